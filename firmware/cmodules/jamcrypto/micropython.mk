# Two trees of others, which tools/sources.py brings: JAMCRYPTO_MONOCYPHER and JAMCRYPTO_PQCLEAN name their folders.
# JAMCRYPTO_VRF=0 leaves out the Bandersnatch VRF.

JAMCRYPTO_DIR := $(USERMOD_DIR)
JAMCRYPTO_VRF ?= 1
JAMCRYPTO_KEM = $(JAMCRYPTO_PQCLEAN)/crypto_kem/ml-kem-768/clean

ifeq ($(wildcard $(JAMCRYPTO_MONOCYPHER)/monocypher.c),)
$(error JAMCRYPTO_MONOCYPHER names no folder with monocypher.c; tools/sources.py monocypher prints one)
endif
ifeq ($(wildcard $(JAMCRYPTO_KEM)/ntt.c),)
$(error JAMCRYPTO_PQCLEAN names no folder with crypto_kem/ml-kem-768/clean; tools/sources.py pqclean prints one)
endif

SRC_USERMOD_C += $(JAMCRYPTO_DIR)/modjamcrypto.c
SRC_USERMOD_LIB_C += $(addprefix $(JAMCRYPTO_DIR)/,\
	aead.c ed25519.c keccak.c mlkem768.c monocypher_unit.c pqclean_verify_unit.c sha512.c wipe.c x25519.c)
ifeq ($(JAMCRYPTO_VRF),1)
SRC_USERMOD_LIB_C += $(sort $(wildcard $(JAMCRYPTO_DIR)/bandersnatch_*.c))
endif

# MicroPython preprocesses all sources together for Python's strings, so what the binding needs is everybody's.
CFLAGS_USERMOD += -I$(JAMCRYPTO_DIR) -isystem $(JAMCRYPTO_MONOCYPHER) -DJAMCRYPTO_VRF=$(JAMCRYPTO_VRF)
# The rest is for these files alone: names like params.h are anybody's. As system headers, so that MicroPython's
# warnings are not asked of others' code. Unrolled, BLAKE2b would be a tenth faster and 15 KB larger.
$(BUILD)/jamcrypto/%.o: CFLAGS += -isystem $(JAMCRYPTO_KEM) -isystem $(JAMCRYPTO_PQCLEAN)/common -DBLAKE2_NO_UNROLLING
