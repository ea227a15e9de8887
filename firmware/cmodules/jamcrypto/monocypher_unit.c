/* Monocypher, from where its sources lie. The linker drops what nobody calls. */
#include <monocypher.c>
