/* Raspberry Pi Pico 2 W with its RISC-V cores: Wi-Fi, of the CYW43439, which is driven over SPI made by a PIO. */
#include "../../firmware/pico/board.h"

#define MICROPY_PY_NETWORK                  (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "jamliquor"
/* Peers are authenticated and encrypted by Noise. */
#define MICROPY_PY_SSL                      (0)
#define MICROPY_PY_WEBSOCKET                (0)
#define MICROPY_PY_WEBREPL                  (0)

#define CYW43_USE_SPI                       (1)
#define CYW43_LWIP                          (1)
#define CYW43_GPIO                          (1)
#define CYW43_SPI_PIO                       (1)

#define MICROPY_HW_PIN_EXT_COUNT            CYW43_WL_GPIO_COUNT

int mp_hal_is_pin_reserved(int n);
#define MICROPY_HW_PIN_RESERVED(i)          mp_hal_is_pin_reserved(i)
