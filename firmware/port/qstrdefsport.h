// Names of this port that its sources do not use as MP_QSTR_…: none.
