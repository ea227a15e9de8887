/* Raspberry Pi Pico: no network. */
#include "../../firmware/pico/board.h"
