"""One module a command, each with `execute(arguments) -> int`."""
