"""What both ends of the wire agree on: messages, their fields, the worker's configuration."""
