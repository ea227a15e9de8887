// A js-libp2p node as the programs of this folder need it.
import { generateKeyPair } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";

import { HYBRID, hybridNoise } from "./hybrid.mjs";

const PROTOCOLS = { noise: "/noise", hybrid: HYBRID };
const KEY_TYPES = { ed25519: "Ed25519", rsa: "RSA", secp256k1: "secp256k1" };

// `listen`: addresses; `key`: one of KEY_TYPES; `security`: "noise" and "hybrid" in order of preference; `bind`: what
// the hybrid signs as these preferences; empty when it signs nothing and checks nothing of the kind.
export async function makeNode({ listen = [], key = "ed25519", security = ["noise"], bind = [], agent }) {
  const named = (list) => list.map((name) => PROTOCOLS[name]);
  const encrypters = { noise: noise(), hybrid: hybridNoise(named(security), named(bind)) };
  if (!(key in KEY_TYPES) || ![...security, ...bind].every((name) => name in PROTOCOLS)) {
    throw new Error(`no type of key ${key}, or no security ${security}`);
  }
  return createLibp2p({
    privateKey: await generateKeyPair(KEY_TYPES[key]),
    addresses: { listen },
    nodeInfo: agent && { userAgent: agent },
    transports: [tcp()],
    connectionEncrypters: security.map((name) => encrypters[name]),
    streamMuxers: [yamux()],
    // All peers are on this machine, and a benchmark connects more often than 5 times a second.
    connectionManager: { inboundConnectionThreshold: 1e6 },
    services: { identify: identify(), ping: ping() },
  });
}
