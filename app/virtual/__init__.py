"""Virtual phones: processes that speak the real ADB protocol and are held to a phone's figures."""
