"""A phone's Wi-Fi: paced links, addresses of its own, what it says by mDNS."""
