"""Reading what comes from outside, types checked."""
