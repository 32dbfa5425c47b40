"""Trying the Inference Engine Standard on a phone, rule by rule, with the messages of every day."""
