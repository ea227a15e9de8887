/* What the boards with Raspberry Pi's chips have in common: boards/<name>/mpconfigboard.h include this. board_config.h is
 * made from board.toml. */

#include "board_config.h"

#define MICROPY_HW_BOARD_NAME               "jamliquor-lite " BOARD_NAME
#define MICROPY_HW_USB_MANUFACTURER_STRING  "jamliquor-lite"
#define MICROPY_HW_USB_PRODUCT_FS_STRING    BOARD_NAME
#define MICROPY_HW_USB_CDC_INTERFACE_STRING BOARD_NAME " console"

/* All areas of the flash behind the firmware, as one block device. */
#define MICROPY_HW_FLASH_STORAGE_BASE       BOARD_FLASH_AT
#define MICROPY_HW_FLASH_STORAGE_BYTES      BOARD_FLASH_BYTES

/* One core runs the node, the other sleeps. Nothing makes USB devices or serves I2C from Python here. */
#define MICROPY_PY_THREAD                   (0)
#define MICROPY_HW_ENABLE_USB_RUNTIME_DEVICE (0)
#define MICROPY_PY_MACHINE_I2C_TARGET       (0)
#define MICROPY_PY_OS_DUPTERM               (0)
