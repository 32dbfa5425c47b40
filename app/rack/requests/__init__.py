"""Requests from the question to the settled answer."""
