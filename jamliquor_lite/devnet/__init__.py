"""A chain of one's own: authors blocks with real seals and serves them, honestly or with a fault on demand."""
