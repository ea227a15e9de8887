/* Raspberry Pi Pico 2 with its RISC-V cores: no network. */
#include "../../firmware/pico/board.h"
