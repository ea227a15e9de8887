"""How much heap the node takes on a 32-bit MicroPython with its modules frozen, which is what a board has."""
