/* lwIP runs in one thread (NO_SYS): there is nothing to declare. */
