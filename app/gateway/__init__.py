"""The rack at an HTTP address that speaks OpenAI's interface: beside the window, above the rack."""
