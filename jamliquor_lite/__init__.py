"""A light client for the JAM protocol that fits a microcontroller."""

__version__ = "0.1.0"
