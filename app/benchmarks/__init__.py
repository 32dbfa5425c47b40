"""What `shardloom bench` measures, one module a name; each has `measure(rounds) -> Report`."""
