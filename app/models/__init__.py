"""From a checkpoint to blocks, content-addressed weight files and shards; tokenizers."""
