// One handshake of noise_xxhfs.mjs with given secrets, both sides of it, to compare others with byte for byte.
//
// A JSON object a line, bytes in hex:
//   {"s_i", "s_r", "e_i", "e_r": 32 bytes each, "kem_seed": 64, "kem_random": 32, "payload_i", "payload_r": any}
//   -> {"messages": [three], "handshake_hash", "initiator_key", "responder_key": what each sends with}
import readline from "node:readline";

import { Handshake } from "./noise_xxhfs.mjs";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (raw) => Buffer.from(raw).toString("hex");

for await (const line of readline.createInterface({ input: process.stdin })) {
  const given = Object.fromEntries(Object.entries(JSON.parse(line)).map(([name, value]) => [name, bytes(value)]));
  const initiator = new Handshake(true, { s: given.s_i, e: given.e_i, kemSeed: given.kem_seed });
  const responder = new Handshake(false, { s: given.s_r, e: given.e_r, kemRandom: given.kem_random });
  const payloads = [new Uint8Array(0), given.payload_r, given.payload_i];
  const messages = [];
  for (const [index, payload] of payloads.entries()) {
    const [from, to] = index === 1 ? [responder, initiator] : [initiator, responder];
    const message = await from.write(() => payload);
    if (hex(to.read(message).payload) !== hex(payload) || hex(from.hash) !== hex(to.hash)) {
      throw new Error(`message ${index} is not read as it was written`);
    }
    messages.push(hex(message));
  }
  const [ofInitiator, ofResponder] = initiator.split();
  console.log(
    JSON.stringify({
      messages,
      handshake_hash: hex(initiator.hash),
      initiator_key: hex(ofInitiator.key),
      responder_key: hex(ofResponder.key),
    }),
  );
}
