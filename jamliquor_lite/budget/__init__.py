"""What the board may spend. Everything that takes memory, bytes or time asks here first."""
