"""A phone's ADB daemon: connections, streams, services, wireless debugging."""
