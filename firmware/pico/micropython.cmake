# The modules in C of these boards: our cryptography, and where os.urandom gets its bytes from.

include(${CMAKE_CURRENT_LIST_DIR}/../cmodules/jamcrypto/micropython.cmake)

add_library(usermod_pico INTERFACE)
target_sources(usermod_pico INTERFACE ${CMAKE_CURRENT_LIST_DIR}/entropy.c)
target_include_directories(usermod_pico INTERFACE ${JAMCRYPTO_MONOCYPHER})
target_link_options(usermod_pico INTERFACE "LINKER:--wrap=rosc_random_u8")
target_link_libraries(usermod_pico INTERFACE m)
target_link_libraries(usermod INTERFACE usermod_pico)
