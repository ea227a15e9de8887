"""A chain of one's own for trying things out: it authors, serves, and misbehaves on demand. CPython only."""
