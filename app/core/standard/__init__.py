"""The Inference Engine Standard, as far as every room has to know it."""
