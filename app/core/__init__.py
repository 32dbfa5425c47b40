"""Words every room shares: identifiers, units, errors, models, devices, assignments. No I/O."""
