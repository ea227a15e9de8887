"""Serving lite nodes, and bridging them to JAM's own network. Trusted for nothing."""
