# What the boards with Raspberry Pi's chips have in common: boards/*/mpconfigboard.cmake include this. tools/pico_build.py
# says the rest: CONFIG, JAMLIQUOR_EXTRA_STACK, JAMLIQUOR_RUNTIME and JAMLIQUOR_MAKE_MANIFEST.

set(MICROPY_BOARD_PINS ${MICROPY_PORT_DIR}/boards/RPI_PICO/pins.csv)
