"""Bytes to trust: headers, seals, epochs, forks, proofs. No peers, no streams, no clock of its own."""
