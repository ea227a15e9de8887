"""The command line, one file per command. CPython only."""
