"""The rack in virtual time: hours in seconds, one seed for all that chance decides."""
