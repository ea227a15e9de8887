// A js-libp2p peer for interop tests; ../README.md says what each peer does.
//
//   peer.mjs listen [OPTIONS]                    peer.mjs dial MULTIADDR [BYTES] [OPTIONS]
//   peer.mjs measure MULTIADDR HANDSHAKES PINGS BYTES [OPTIONS]
//
// Options: --key=TYPE, --security=noise|hybrid|hybrid,noise (in order of preference), --bind or --bind=hybrid,noise
// (what it signs as its preferences, where that is not what it does). SECURITY in the environment for --security.
import { createHash } from "node:crypto";

import { multiaddr } from "@multiformats/multiaddr";

import { makeNode } from "./node.mjs";

const SINK = "/jamliquor/sink/1.0.0";
const SOURCE = "/jamliquor/source/1.0.0";
const DEFAULT_BYTES = 16 * 1024 * 1024;
const PERIOD = 65536;
const PINGS = 5;
const TRANSFERS = 3;

const PATTERN = Uint8Array.from({ length: PERIOD }, (_, i) => i * 131 + (i >> 8));

function* pattern(size) {
  for (let at = 0; at < size; at += PERIOD) {
    yield PATTERN.subarray(0, Math.min(PERIOD, size - at));
  }
}

function patternHash(size) {
  const hash = createHash("sha256");
  for (const block of pattern(size)) {
    hash.update(block);
  }
  return hash.digest();
}

// Sends it and ends the writing side. Of `stream.onDrain()` only the first call waits (3.3.11), so everything would
// be queued at once, and go out in frames of yamux that rust refuses (beyond 1 MiB).
async function sendAll(stream, blocks) {
  for (const block of blocks) {
    if (!stream.send(block)) {
      await nextEvent(stream, "drain");
    }
  }
  await stream.close();
}

function nextEvent(stream, name) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const closed = ({ error }) => reject(error ?? new Error(`closed before ${name}`));
  stream.addEventListener(name, resolve, { once: true });
  stream.addEventListener("close", closed, { once: true });
  return promise.finally(() => stream.removeEventListener("close", closed));
}

// Hands over each piece that comes, until the other side has finished. An iterator of the stream would wait for ever
// when that happened before it began.
function receive(stream, take) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const end = () => (["aborted", "reset"].includes(stream.status) ? reject(new Error("reset")) : resolve());
  stream.addEventListener("message", ({ data }) => {
    for (const piece of data instanceof Uint8Array ? [data] : data) {
      take(piece);
    }
  });
  stream.addEventListener("end", end);
  stream.addEventListener("close", ({ error }) => (error ? reject(error) : resolve()));
  if (stream.readableEnded) {
    end();
  }
  return promise;
}

async function countAndHash(stream) {
  const hash = createHash("sha256");
  let count = 0;
  await receive(stream, (piece) => {
    count += piece.length;
    hash.update(piece);
  });
  const answer = Buffer.alloc(8);
  answer.writeBigUInt64BE(BigInt(count));
  return Buffer.concat([answer, hash.digest()]);
}

async function readAll(stream) {
  const pieces = [];
  await receive(stream, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

async function answerSink(stream) {
  await sendAll(stream, [await countAndHash(stream)]);
}

// The size is enough to begin: the writing side of the other may stay open meanwhile.
async function answerSource(stream) {
  let asked = Buffer.alloc(0);
  let begun;
  await receive(stream, (piece) => {
    asked = Buffer.concat([asked, piece]);
    if (begun === undefined && asked.length >= 8) {
      begun = sendAll(stream, pattern(Number(asked.readBigUInt64BE())));
      begun.catch(() => 0); // told below
    }
  });
  await begun;
}

async function listen(options) {
  const node = await makeNode({ ...options, listen: ["/ip4/127.0.0.1/tcp/0"] });
  const serve = (answer) => (stream) =>
    answer(stream).catch((error) => {
      console.error(`stream: ${error.message}`);
      stream.abort(error);
    });
  await node.handle(SINK, serve(answerSink), { maxInboundStreams: 64 });
  await node.handle(SOURCE, serve(answerSource), { maxInboundStreams: 64 });
  console.log(`READY ${node.getMultiaddrs()[0]}`);
  process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0));
  process.stdin.resume();
  process.on("SIGTERM", () => process.exit(0));
}

async function timed(task) {
  const start = performance.now();
  return [await task(), (performance.now() - start) / 1e3];
}

function asNumber(size) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(size));
  return bytes;
}

async function sink(connection, size) {
  const stream = await connection.newStream(SINK);
  const answer = readAll(stream);
  await sendAll(stream, pattern(size));
  return answer;
}

async function source(connection, size) {
  const stream = await connection.newStream(SOURCE);
  const answer = countAndHash(stream);
  await sendAll(stream, [asNumber(size)]);
  return answer;
}

async function dial(address, size, options) {
  const node = await makeNode(options);
  // It asks by itself, and a listener of its kind resets a second question that comes meanwhile.
  const identified = Promise.withResolvers();
  node.addEventListener("peer:identify", ({ detail }) => identified.resolve(detail), { once: true });
  const connection = await node.dial(multiaddr(address));
  connection.addEventListener("close", () => identified.reject(new Error("closed before it was identified")));
  const { agentVersion: agent, protocols } = await identified.promise;
  const ping_ms = [];
  for (let count = 0; count < PINGS; count += 1) {
    const [, seconds] = await timed(() => node.services.ping.ping(connection.remotePeer));
    ping_ms.push(seconds * 1e3);
  }
  const expected = Buffer.concat([asNumber(size), patternHash(size)]);
  const [sinkAnswer, sink_s] = await timed(() => sink(connection, size));
  const [sourceAnswer, source_s] = await timed(() => source(connection, size));
  const sink_ok = sinkAnswer.equals(expected);
  const source_ok = sourceAnswer.equals(expected);
  const { encryption: security, multiplexer: muxer } = connection;
  console.log(
    JSON.stringify({ agent, protocols, ping_ms, sink_ok, source_ok, sink_s, source_s, security, muxer }),
  );
  await node.stop();
  if (!sink_ok || !source_ok) {
    throw new Error("what came is not what was sent");
  }
}

const best = (times) => Math.min(...times.slice(1));

// What tools/bench/p2p.py asks of a dialer. The first transfer each way has no say: it warms both sides up.
async function measure(address, handshakes, pings, size, options) {
  const node = await makeNode(options);
  const handshake_cpu_ms = [];
  const handshake_ms = [];
  for (let count = 0; count < handshakes; count += 1) {
    const before = process.cpuUsage();
    const [connection, seconds] = await timed(() => node.dial(multiaddr(address)));
    const { user, system } = process.cpuUsage(before);
    handshake_cpu_ms.push((user + system) / 1e3);
    handshake_ms.push(seconds * 1e3);
    await connection.close();
  }
  const connection = await node.dial(multiaddr(address));
  const ping_ms = [];
  for (let count = 0; count < pings; count += 1) {
    ping_ms.push((await timed(() => node.services.ping.ping(connection.remotePeer)))[1] * 1e3);
  }
  const [sink_s, source_s] = [[], []];
  for (let count = 0; count < TRANSFERS; count += 1) {
    sink_s.push((await timed(() => sink(connection, size)))[1]);
    source_s.push((await timed(() => source(connection, size)))[1]);
  }
  console.log(
    JSON.stringify({ handshake_cpu_ms, handshake_ms, ping_ms, sink_s: best(sink_s), source_s: best(source_s) }),
  );
  await node.stop();
}

async function main(words) {
  const given = words.filter((word) => word.startsWith("--"));
  const [mode, address, size, ...more] = words.filter((word) => !word.startsWith("--"));
  const { key, security, ...rest } = Object.fromEntries(given.map((word) => word.slice(2).split("=")));
  const names = (security ?? process.env.SECURITY ?? "noise").split(",");
  const options = { key, security: names, bind: "bind" in rest ? (rest.bind?.split(",") ?? names) : [] };
  options.agent = `jamliquor-peer/js-libp2p-3.3.11${names.includes("hybrid") ? `+${names}` : ""}`;
  if (mode === "listen") {
    await listen(options);
  } else if (mode === "dial" && address !== undefined) {
    await dial(address, size === undefined ? DEFAULT_BYTES : Number(size), options);
    process.exit(0);
  } else if (mode === "measure" && more.length === 2) {
    await measure(address, Number(size), ...more.map(Number), options);
    process.exit(0);
  } else {
    throw new Error("usage: see the head of peer.mjs");
  }
}

main(process.argv.slice(2)).catch((error) => {
  const causes = error.errors?.map((cause) => cause.message).join("; ");
  console.error(`peer: ${error.message}${causes ? `: ${causes}` : ""}`.replaceAll("\n", " "));
  process.exit(1);
});
