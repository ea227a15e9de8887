set(PICO_BOARD pico2)
set(PICO_PLATFORM rp2350-riscv)
include(${CMAKE_CURRENT_LIST_DIR}/../../firmware/pico/board.cmake)
