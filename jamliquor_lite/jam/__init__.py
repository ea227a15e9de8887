"""JAM's stream protocols, one file per stream kind, over the stream face of budget/stream.py."""
