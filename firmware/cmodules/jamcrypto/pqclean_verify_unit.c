/* Selecting without a branch, a unit of its own: a compiler that sees the caller may make one. */
#include <verify.c>
