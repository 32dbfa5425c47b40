"""The worker on a phone: pushed, started, cared for and taken off again."""
