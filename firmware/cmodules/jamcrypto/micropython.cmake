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
    aead.c ed25519.c keccak.c mlkem768.c modjamcrypto.c monocypher_unit.c pqclean_verify_unit.c sha512.c
    wipe.c x25519.c)
list(TRANSFORM JAMCRYPTO_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
if(JAMCRYPTO_VRF)
    file(GLOB JAMCRYPTO_VRF_SOURCES ${CMAKE_CURRENT_LIST_DIR}/bandersnatch_*.c)
    list(APPEND JAMCRYPTO_SOURCES ${JAMCRYPTO_VRF_SOURCES})
endif()

add_library(usermod_jamcrypto INTERFACE)
target_sources(usermod_jamcrypto INTERFACE ${JAMCRYPTO_SOURCES})
# MicroPython preprocesses all sources together for Python's strings, so these are everybody's.
target_compile_definitions(usermod_jamcrypto INTERFACE JAMCRYPTO_VRF=${JAMCRYPTO_VRF})
target_include_directories(usermod_jamcrypto INTERFACE ${CMAKE_CURRENT_LIST_DIR} ${JAMCRYPTO_MONOCYPHER})
set_source_files_properties(${JAMCRYPTO_SOURCES} PROPERTIES COMPILE_OPTIONS
    "-isystem${JAMCRYPTO_MONOCYPHER};-isystem${JAMCRYPTO_KEM};-isystem${JAMCRYPTO_PQCLEAN}/common;-DBLAKE2_NO_UNROLLING")
target_link_libraries(usermod INTERFACE usermod_jamcrypto)
