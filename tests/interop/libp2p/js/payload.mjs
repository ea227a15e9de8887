// The payload of libp2p's Noise handshake: NoiseHandshakePayload, with the two fields of transcript binding.
//
//   identity_key 1, identity_sig 2, extensions 4 { stream_muxers 2, security_protocols 4, transcript_sig 5 }
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const STATIC_KEY_PREFIX = utf8ToBytes("noise-libp2p-static-key:");
const TRANSCRIPT_PREFIX = utf8ToBytes("noise-libp2p-transcript:");
const BYTES = 2; // wire type

function varint(number) {
  const out = [];
  for (let rest = number; ; rest >>>= 7) {
    out.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) {
      return Uint8Array.from(out);
    }
  }
}

const field = (number, data) => concatBytes(varint((number << 3) | BYTES), varint(data.length), data);

// field number -> [bytes, ...]. None of the fields that count is anything but bytes.
function fields(message) {
  const found = {};
  let at = 0;
  const number = () => {
    for (let value = 0, shift = 0; at < message.length && shift < 28; shift += 7) {
      const byte = message[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) {
        return value;
      }
    }
    throw new Error("a malformed payload");
  };
  while (at < message.length) {
    const tag = number();
    const value = number();
    if ((tag & 7) === BYTES) {
      if (at + value > message.length) {
        throw new Error("a malformed payload");
      }
      (found[tag >> 3] ??= []).push(message.subarray(at, at + value));
      at += value;
    } else if ((tag & 7) !== 0) {
      throw new Error("a field that is neither bytes nor a number");
    }
  }
  return found;
}

export const signedStaticKey = (key) => concatBytes(STATIC_KEY_PREFIX, key);

// Each name behind its length, so that no two lists read the same.
export function signedTranscript(hash, protocols) {
  const names = protocols.map((name) => {
    const text = utf8ToBytes(name);
    return concatBytes(Uint8Array.of(text.length >> 8, text.length & 255), text);
  });
  return concatBytes(TRANSCRIPT_PREFIX, hash, ...names);
}

export function encodePayload({ key, signature, muxers, securityProtocols = [], transcriptSignature }) {
  const extensions = [
    ...muxers.map((name) => field(2, utf8ToBytes(name))),
    ...securityProtocols.map((name) => field(4, utf8ToBytes(name))),
  ];
  if (transcriptSignature !== undefined) {
    extensions.push(field(5, transcriptSignature));
  }
  return concatBytes(field(1, key), field(2, signature), field(4, concatBytes(...extensions)));
}

export function decodePayload(message) {
  const { 1: [key] = [], 2: [signature] = [], 4: [extensions = new Uint8Array(0)] = [] } = fields(message);
  if (key === undefined || signature === undefined) {
    throw new Error("a payload without key or signature");
  }
  const { 2: muxers = [], 4: securityProtocols = [], 5: [transcriptSignature] = [] } = fields(extensions);
  const text = (names) => names.map((name) => new TextDecoder("utf-8", { fatal: true }).decode(name));
  return { key, signature, muxers: text(muxers), securityProtocols: text(securityProtocols), transcriptSignature };
}
