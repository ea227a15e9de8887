"""Bytes to values and back. Nothing here keeps state between calls."""
