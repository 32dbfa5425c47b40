"""What happens, as it happens: each request's own events, and the record of everything."""
