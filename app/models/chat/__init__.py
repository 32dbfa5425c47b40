"""Chat templates and presets: from a conversation to the text a model was trained on."""
