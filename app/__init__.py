"""Shardloom: a control centre that runs one language model across a rack of phones."""

import workers  # noqa: F401 - turns telemetry off before a module here loads a library
