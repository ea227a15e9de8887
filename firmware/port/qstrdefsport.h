// Names of this port that its sources do not use as MP_QSTR_…, or only where the Makefile has it so.
Q(crc32)
