"""What a 32-bit MicroPython with frozen modules may take. A bar is a little above what was measured, but for that of
idle connections, which is a promise: 2.5 KB. (A plain dial took 56 KB before connections had budgets by class.)"""

# A pure primitive and the least heap in KB, modules and all, in which it does its work.
CALLS = (("blake2b", 11), ("x25519", 11), ("aead", 11), ("ed25519", 13), ("mlkem768", 24))

# Handshake, ping and identify both ways, with the carrier that a node has: the whole heap in KB.
DIALS = (("plain", 62), ("hybrid", 72))

# Bytes that one more connection takes while nothing happens on it.
IDLE_BYTES = 2560

# A board's whole program, console and flash included, while it follows tiny: the most that is in use, garbage and some
# 3 KB of what measures it included. A promise while nobody asks it anything.
FOLLOWING_BYTES = 96 * 1024
# And the whole heap in KB, tables and what is in pieces included: while nobody asks, and with questions about state.
FOLLOWING_KB = {"quiet": 102, "asked": 112}

# Bytes of garbage: of a header, every sixth of which has marks that go through the flash, and beside it of a turn.
HEADER_GARBAGE_BYTES = 2304
TURN_GARBAGE_BYTES = 256

# By how many bytes what lives differs between windows of 50 headers, which hold epochs by ticket and by fallback in
# another order.
FOLLOWING_SLACK = 1024
