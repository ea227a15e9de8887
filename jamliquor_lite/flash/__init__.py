"""Puts software onto boards. CPython only."""
