"""The port to CPython 3.11 and newer."""
