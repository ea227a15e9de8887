// Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256, as the Noise specification reads a pattern: token by token.
//
// Written from the texts alone (Noise revision 34; its HFS extension; libp2p/specs pull request 727), over @noble's
// primitives, so that it is a second opinion on any other code here.
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";

const NAME = "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256";
const PATTERN = [["e", "e1"], ["e", "ee", "ekem1", "s", "es"], ["s", "se"]];
const KEY = 32;
const TAG = 16;
const KEM_PUBLIC = 1184;
const KEM_CIPHERTEXT = 1088;
export const KEM_SEED = 64;
const EMPTY = new Uint8Array(0);

export const randomKey = () => randomBytes(KEY);

export class Cipher {
  #key;
  #counter = 0;

  constructor(key) {
    this.#key = key;
  }

  #cipher(ad) {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(4, BigInt(this.#counter), true);
    this.#counter += 1;
    return chacha20poly1305(this.#key, nonce, ad);
  }

  seal(ad, plaintext) {
    return this.#cipher(ad).encrypt(plaintext);
  }

  open(ad, ciphertext) {
    return this.#cipher(ad).decrypt(ciphertext);
  }

  get key() {
    return this.#key;
  }
}

function hkdf(chainingKey, material) {
  const secret = hmac(sha256, chainingKey, material);
  const first = hmac(sha256, secret, Uint8Array.of(1));
  return [first, hmac(sha256, secret, concatBytes(first, Uint8Array.of(2)))];
}

class Symmetric {
  #chainingKey;
  #cipher = null;

  constructor() {
    // The name is longer than a hash, so it is hashed.
    this.hash = sha256(utf8ToBytes(NAME));
    this.#chainingKey = this.hash;
  }

  mixHash(data) {
    this.hash = sha256(concatBytes(this.hash, data));
  }

  mixKey(material) {
    const [chainingKey, key] = hkdf(this.#chainingKey, material);
    this.#chainingKey = chainingKey;
    this.#cipher = new Cipher(key);
  }

  get overhead() {
    return this.#cipher === null ? 0 : TAG;
  }

  encryptAndHash(plaintext) {
    const ciphertext = this.#cipher === null ? plaintext : this.#cipher.seal(this.hash, plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext) {
    const plaintext = this.#cipher === null ? ciphertext : this.#cipher.open(this.hash, ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }

  split() {
    return hkdf(this.#chainingKey, EMPTY).map((key) => new Cipher(key));
  }
}

// One side of the handshake. `secrets` holds `s` and, where a test fixes them, `e`, `kemSeed` (initiator) and
// `kemRandom` (responder).
export class Handshake {
  #symmetric = new Symmetric();
  #message = 0;
  #secrets;
  #isInitiator;
  #theirs = {};
  #kemSecret;

  constructor(isInitiator, secrets) {
    this.#isInitiator = isInitiator;
    this.#secrets = { ...secrets, e: secrets.e ?? randomKey() };
    this.#symmetric.mixHash(EMPTY); // the prologue
  }

  // Of the transcript so far: before a payload it is what that payload is encrypted under.
  get hash() {
    return this.#symmetric.hash;
  }

  get theirStatic() {
    return this.#theirs.s;
  }

  // `makePayload` is called with the hash that the payload is encrypted under.
  async write(makePayload) {
    const parts = PATTERN[this.#message].map((token) => this.#writeToken(token));
    parts.push(this.#symmetric.encryptAndHash(await makePayload(this.hash)));
    this.#message += 1;
    return concatBytes(...parts);
  }

  // { payload, hash: what the payload was encrypted under }.
  read(message) {
    let rest = message;
    const take = (size) => {
      if (rest.length < size) {
        throw new Error(`handshake message ${this.#message} is too short`);
      }
      const taken = rest.subarray(0, size);
      rest = rest.subarray(size);
      return taken;
    };
    for (const token of PATTERN[this.#message]) {
      this.#readToken(token, take);
    }
    const { hash } = this;
    const payload = this.#symmetric.decryptAndHash(rest);
    this.#message += 1;
    return { payload, hash };
  }

  // [what the initiator sends with, what the responder sends with].
  split() {
    return this.#symmetric.split();
  }

  #writeToken(token) {
    switch (token) {
      case "e": {
        const key = x25519.getPublicKey(this.#secrets.e);
        this.#symmetric.mixHash(key);
        return key;
      }
      case "e1": {
        const { publicKey, secretKey } = ml_kem768.keygen(this.#secrets.kemSeed ?? randomBytes(KEM_SEED));
        this.#kemSecret = secretKey;
        return this.#symmetric.encryptAndHash(publicKey);
      }
      case "ekem1": {
        const random = this.#secrets.kemRandom ?? randomBytes(KEY);
        const { cipherText, sharedSecret } = ml_kem768.encapsulate(this.#theirs.e1, random);
        // First what is sent, under the key of `ee`, and only then the secret.
        const sent = this.#symmetric.encryptAndHash(cipherText);
        this.#symmetric.mixKey(sharedSecret);
        return sent;
      }
      case "s":
        return this.#symmetric.encryptAndHash(x25519.getPublicKey(this.#secrets.s));
      default:
        this.#agree(token);
        return EMPTY;
    }
  }

  #readToken(token, take) {
    switch (token) {
      case "e":
        this.#theirs.e = take(KEY);
        this.#symmetric.mixHash(this.#theirs.e);
        break;
      case "e1":
        this.#theirs.e1 = this.#symmetric.decryptAndHash(take(KEM_PUBLIC + this.#symmetric.overhead));
        break;
      case "ekem1": {
        const cipherText = this.#symmetric.decryptAndHash(take(KEM_CIPHERTEXT + this.#symmetric.overhead));
        this.#symmetric.mixKey(ml_kem768.decapsulate(cipherText, this.#kemSecret));
        break;
      }
      case "s":
        this.#theirs.s = this.#symmetric.decryptAndHash(take(KEY + this.#symmetric.overhead));
        break;
      default:
        this.#agree(token);
    }
  }

  // A token of two letters names the initiator's key first.
  #agree(token) {
    const [initiator, responder] = token;
    const [mine, theirs] = this.#isInitiator ? [initiator, responder] : [responder, initiator];
    // Refuses a result of zeros by itself.
    this.#symmetric.mixKey(x25519.getSharedSecret(this.#secrets[mine], this.#theirs[theirs]));
  }
}
