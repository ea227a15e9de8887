// A connection encrypter of js-libp2p for /noise-mlkem768-hfs/0.2.0, which no release has.
import { publicKeyFromProtobuf, publicKeyToProtobuf } from "@libp2p/crypto/keys";
import { peerIdFromPublicKey } from "@libp2p/peer-id";
import { AbstractMessageStream, LengthPrefixedDecoder, lpStream } from "@libp2p/utils";
import { x25519 } from "@noble/curves/ed25519.js";
import { Uint8ArrayList } from "uint8arraylist";

import { Handshake, randomKey } from "./noise_xxhfs.mjs";
import { decodePayload, encodePayload, signedStaticKey, signedTranscript } from "./payload.mjs";

export const HYBRID = "/noise-mlkem768-hfs/0.2.0";
const MAX_FRAME = 65535; // with its tag
const TAG = 16;
const NO_AD = new Uint8Array(0);

function encodeLength(size) {
  return Uint8Array.of(size >> 8, size & 255);
}

// The libraries take RangeError for "not enough yet".
function decodeLength(data) {
  if (data.byteLength < 2) {
    throw new RangeError("two bytes of length");
  }
  return data instanceof Uint8Array ? (data[0] << 8) | data[1] : data.getUint16(0);
}

const bytesOf = (data) => (data instanceof Uint8Array ? data : data.subarray());

// `offered`: what this side offers or accepts, in order; `said`: what it signs of that, empty for no binding.
export const hybridNoise = (offered, said) => (components) => new HybridNoise(components, offered, said);

class HybridNoise {
  protocol = HYBRID;
  [Symbol.toStringTag] = "jamliquor/hybrid-noise";
  #components;
  #offered;
  #said;
  #secret = randomKey();

  constructor(components, offered, said) {
    this.#components = components;
    this.#offered = offered;
    this.#said = said;
  }

  secureOutbound(connection, options) {
    return this.#secure(connection, true, options);
  }

  secureInbound(connection, options) {
    return this.#secure(connection, false, options);
  }

  async #secure(connection, isInitiator, options = {}) {
    const frames = lpStream(connection, {
      lengthEncoder: encodeLength,
      lengthDecoder: decodeLength,
      maxDataLength: MAX_FRAME,
    });
    const handshake = new Handshake(isInitiator, { s: this.#secret });
    const ownMuxers = options.skipStreamMuxerNegotiation ? [] : [...this.#components.upgrader.getStreamMuxers().keys()];
    const send = async (makePayload) => frames.write(await handshake.write(makePayload), options);
    const receive = async () => handshake.read(bytesOf(await frames.read(options)));
    const payload = (hash) => this.#payload(hash, ownMuxers);
    const nothing = () => NO_AD;

    let theirs;
    if (isInitiator) {
      await send(nothing);
      theirs = await this.#check(await receive(), handshake, isInitiator, options.remotePeer);
      await send(payload);
    } else {
      await receive();
      await send(payload);
      theirs = await this.#check(await receive(), handshake, isInitiator, options.remotePeer);
    }
    const [ofInitiator, ofResponder] = handshake.split();
    const [sender, receiver] = isInitiator ? [ofInitiator, ofResponder] : [ofResponder, ofInitiator];
    return {
      connection: new SecuredStream(frames.unwrap(), sender, receiver),
      remoteExtensions: { streamMuxers: theirs.muxers },
      remotePeer: theirs.peer,
      streamMuxer: this.#chooseMuxer(ownMuxers, theirs.muxers, isInitiator),
    };
  }

  // Where both name muxers, the first of the initiator's that the responder has; else multistream decides.
  #chooseMuxer(ours, theirs, isInitiator) {
    const [first, second] = isInitiator ? [ours, theirs] : [theirs, ours];
    const name = first.find((candidate) => second.includes(candidate));
    return name && this.#components.upgrader.getStreamMuxers().get(name);
  }

  async #payload(hash, muxers) {
    const { privateKey } = this.#components;
    const said = this.#said;
    return encodePayload({
      key: publicKeyToProtobuf(privateKey.publicKey),
      signature: await privateKey.sign(signedStaticKey(x25519.getPublicKey(this.#secret))),
      muxers,
      securityProtocols: said,
      transcriptSignature: said.length ? await privateKey.sign(signedTranscript(hash, said)) : undefined,
    });
  }

  async #check({ payload, hash }, handshake, isInitiator, expected) {
    const said = decodePayload(payload);
    const key = publicKeyFromProtobuf(said.key);
    if (!(await key.verify(signedStaticKey(handshake.theirStatic), said.signature))) {
      throw new Error("the identity has not signed the static key");
    }
    const peer = peerIdFromPublicKey(key);
    if (expected !== undefined && !peer.equals(expected)) {
      throw new Error(`${peer} answers for ${expected}`);
    }
    // Who says nothing of it is an older peer; that cannot be told from one whose words were struck out.
    const ours = this.#offered;
    const theirs = said.securityProtocols;
    if (this.#said.length && (theirs.length || said.transcriptSignature)) {
      const signed = signedTranscript(hash, theirs);
      if (!said.transcriptSignature || !(await key.verify(signed, said.transcriptSignature))) {
        throw new Error("the identity has not signed the transcript");
      }
      const [offered, accepted] = isInitiator ? [ours, theirs] : [theirs, ours];
      if (offered.find((name) => accepted.includes(name)) !== HYBRID) {
        throw new Error("another protocol should have been chosen: somebody between us changed the choice");
      }
    }
    return { ...said, peer };
  }
}

class SecuredStream extends AbstractMessageStream {
  #below;
  #sender;

  constructor(below, sender, receiver) {
    const { log, inactivityTimeout, maxReadBufferLength, direction } = below;
    super({ log, inactivityTimeout, maxReadBufferLength, direction });
    this.#below = below;
    this.#sender = sender;
    const frames = new LengthPrefixedDecoder({ lengthDecoder: decodeLength, encodingLength: () => 2 });
    below.addEventListener("message", ({ data }) => {
      try {
        for (const frame of frames.decode(data)) {
          this.onData(receiver.open(NO_AD, bytesOf(frame)));
        }
      } catch (error) {
        this.abort(error);
      }
    });
    below.addEventListener("close", ({ error, local }) => {
      if (!error) {
        this.onTransportClosed();
      } else if (local) {
        this.abort(error);
      } else {
        this.onRemoteReset();
      }
    });
    below.addEventListener("drain", () => this.safeDispatchEvent("drain"));
    below.addEventListener("remoteCloseWrite", () => this.onRemoteCloseWrite());
  }

  sendData(data) {
    const plain = bytesOf(data);
    const out = new Uint8ArrayList();
    for (let at = 0; at < plain.length; at += MAX_FRAME - TAG) {
      const frame = this.#sender.seal(NO_AD, plain.subarray(at, at + MAX_FRAME - TAG));
      out.append(encodeLength(frame.length));
      out.append(frame);
    }
    return { sentBytes: plain.length, canSendMore: this.#below.send(out) };
  }

  sendPause() {
    this.#below.pause();
  }

  sendResume() {
    this.#below.resume();
  }

  sendReset(error) {
    this.#below.abort(error);
  }

  close(options) {
    return this.#below.close(options);
  }
}
