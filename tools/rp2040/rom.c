/* A stand-in for the RP2040's boot ROM, which rp2040js comes without: what MicroPython's firmware calls of it, and nothing
 * of what starts the chip. It is not the chip's own code and takes other numbers of cycles. */

#include <stddef.h>
#include <stdint.h>

typedef void (*function_t)(void);

void rom_fault(void);
void rom_compare_flags(void);

void *rom_lookup(const uint16_t *table, uint32_t code) {
    for (; table[0]; table += 2) {
        if (table[0] == code) {
            return (void *)(uintptr_t)table[1];
        }
    }
    return NULL;
}

void *rom_copy(uint8_t *to, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size; i++) {
        to[i] = from[i];
    }
    return to;
}

void *rom_set(uint8_t *to, int value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        to[i] = (uint8_t)value;
    }
    return to;
}

uint32_t rom_popcount(uint32_t value) {
    uint32_t count = 0;
    for (; value; value &= value - 1) {
        count++;
    }
    return count;
}

uint32_t rom_reverse(uint32_t value) {
    uint32_t turned = 0;
    for (int i = 0; i < 32; i++) {
        turned = turned << 1 | (value >> i & 1);
    }
    return turned;
}

uint32_t rom_leading_zeros(uint32_t value) {
    uint32_t count = 0;
    while (count < 32 && !(value >> (31 - count))) {
        count++;
    }
    return count;
}

uint32_t rom_trailing_zeros(uint32_t value) {
    uint32_t count = 0;
    while (count < 32 && !(value >> count & 1)) {
        count++;
    }
    return count;
}

/* Numbers with a point: libgcc's, behind the places that the SDK takes them from (datasheet 2.8.3.2). */
static float f_add(float a, float b) { return a + b; }
static float f_sub(float a, float b) { return a - b; }
static float f_mul(float a, float b) { return a * b; }
static float f_div(float a, float b) { return a / b; }
static int32_t f_to_int(float a) { return (int32_t)a; }
static uint32_t f_to_uint(float a) { return (uint32_t)a; }
static int64_t f_to_int64(float a) { return (int64_t)a; }
static uint64_t f_to_uint64(float a) { return (uint64_t)a; }
static float f_from_int(int32_t a) { return (float)a; }
static float f_from_uint(uint32_t a) { return (float)a; }
static float f_from_int64(int64_t a) { return (float)a; }
static float f_from_uint64(uint64_t a) { return (float)a; }
static double f_to_double(float a) { return a; }
static double d_add(double a, double b) { return a + b; }
static double d_sub(double a, double b) { return a - b; }
static double d_mul(double a, double b) { return a * b; }
static double d_div(double a, double b) { return a / b; }
static int32_t d_to_int(double a) { return (int32_t)a; }
static uint32_t d_to_uint(double a) { return (uint32_t)a; }
static double d_from_int(int32_t a) { return a; }
static double d_from_uint(uint32_t a) { return a; }
static float d_to_float(double a) { return (float)a; }
int rom_compare(float a, float b) { return a < b ? -1 : a > b; }

#define PLACE(offset, what) [(offset) / 4] = (function_t)(what)
#define PLACES (32)
#define UNUSED [0 ... PLACES - 1] = rom_fault

const function_t rom_floats[PLACES] = {
    UNUSED,
    PLACE(0x00, f_add), PLACE(0x04, f_sub), PLACE(0x08, f_mul), PLACE(0x0c, f_div), PLACE(0x10, rom_compare),
    PLACE(0x14, rom_compare_flags), PLACE(0x1c, f_to_int), PLACE(0x24, f_to_uint), PLACE(0x2c, f_from_int),
    PLACE(0x34, f_from_uint), PLACE(0x54, rom_compare), PLACE(0x5c, f_from_int64), PLACE(0x64, f_from_uint64),
    PLACE(0x6c, f_to_int64), PLACE(0x74, f_to_uint64), PLACE(0x7c, f_to_double),
};

const function_t rom_doubles[PLACES] = {
    UNUSED,
    PLACE(0x00, d_add), PLACE(0x04, d_sub), PLACE(0x08, d_mul), PLACE(0x0c, d_div), PLACE(0x1c, d_to_int),
    PLACE(0x24, d_to_uint), PLACE(0x2c, d_from_int), PLACE(0x34, d_from_uint), PLACE(0x7c, d_to_float),
};
