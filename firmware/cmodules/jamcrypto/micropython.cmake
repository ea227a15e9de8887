# For ports that are built by CMake: see micropython.mk, which has the same and says why.

if(NOT EXISTS ${JAMCRYPTO_MONOCYPHER}/monocypher.c)
    message(FATAL_ERROR "JAMCRYPTO_MONOCYPHER names no folder with monocypher.c; tools/sources.py monocypher prints one")
endif()
set(JAMCRYPTO_KEM ${JAMCRYPTO_PQCLEAN}/crypto_kem/ml-kem-768/clean)
if(NOT EXISTS ${JAMCRYPTO_KEM}/ntt.c)
    message(FATAL_ERROR
        "JAMCRYPTO_PQCLEAN names no folder with crypto_kem/ml-kem-768/clean; tools/sources.py pqclean prints one")
endif()
if(NOT DEFINED JAMCRYPTO_VRF)
    set(JAMCRYPTO_VRF 1)
endif()

set(JAMCRYPTO_SOURCES
    aead.c ed25519.c keccak.c mlkem768.c monocypher_unit.c pqclean_verify_unit.c sha512.c wipe.c x25519.c)
list(TRANSFORM JAMCRYPTO_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
if(JAMCRYPTO_VRF)
    file(GLOB JAMCRYPTO_VRF_SOURCES ${CMAKE_CURRENT_LIST_DIR}/bandersnatch_*.c)
    list(APPEND JAMCRYPTO_SOURCES ${JAMCRYPTO_VRF_SOURCES})
endif()

# MicroPython preprocesses the sources of a module together for Python's strings. Only the binding has some; the rest is a
# library of its own, since names of PQClean's like params.h are anybody's.
add_library(jamcrypto_c STATIC ${JAMCRYPTO_SOURCES})
target_include_directories(jamcrypto_c PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_include_directories(jamcrypto_c SYSTEM PRIVATE
    ${JAMCRYPTO_MONOCYPHER} ${JAMCRYPTO_KEM} ${JAMCRYPTO_PQCLEAN}/common)
target_compile_definitions(jamcrypto_c PRIVATE BLAKE2_NO_UNROLLING JAMCRYPTO_VRF=${JAMCRYPTO_VRF})
target_compile_options(jamcrypto_c PRIVATE -ffunction-sections -fdata-sections)

add_library(usermod_jamcrypto INTERFACE)
target_sources(usermod_jamcrypto INTERFACE ${CMAKE_CURRENT_LIST_DIR}/modjamcrypto.c)
target_compile_definitions(usermod_jamcrypto INTERFACE JAMCRYPTO_VRF=${JAMCRYPTO_VRF})
list(APPEND MICROPY_CPP_DEF_EXTRA JAMCRYPTO_VRF=${JAMCRYPTO_VRF}) # for that preprocessing
target_include_directories(usermod_jamcrypto INTERFACE ${CMAKE_CURRENT_LIST_DIR} ${JAMCRYPTO_MONOCYPHER})
target_link_libraries(usermod_jamcrypto INTERFACE jamcrypto_c)
target_link_libraries(usermod INTERFACE usermod_jamcrypto)
