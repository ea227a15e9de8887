"""The port to MicroPython: its unix build, and boards."""
