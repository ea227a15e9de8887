"""Secured and muxed connections. The cores hold no socket, no clock and no randomness of their own."""
