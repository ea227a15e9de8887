// The application that libp2p's unified-testing runs for its transport suite, over js-libp2p. Settings come in the
// environment, addresses through Redis, results go to standard output as YAML, all else to standard error.
//
// IS_DIALER REDIS_ADDR TEST_KEY TRANSPORT SECURE_CHANNEL MUXER LISTENER_IP DEBUG, or the names that the older harness
// used: is_dialer redis_addr transport security muxer ip test_timeout_seconds.
import net from "node:net";

import { multiaddr } from "@multiformats/multiaddr";

import { makeNode } from "./node.mjs";

const setting = (name, older, otherwise) => process.env[name] ?? process.env[older] ?? otherwise;

const isDialer = setting("IS_DIALER", "is_dialer", "false") === "true";
const [redisHost, redisPort] = setting("REDIS_ADDR", "redis_addr", "redis:6379").split(":");
const testKey = process.env.TEST_KEY;
const key = testKey === undefined ? "listenerAddr" : `${testKey}_listener_multiaddr`;
const stack = [
  setting("TRANSPORT", "transport", "tcp"),
  setting("SECURE_CHANNEL", "security", "noise"),
  setting("MUXER", "muxer", "yamux"),
].join(" ");
const ip = setting("LISTENER_IP", "ip", "0.0.0.0");
const limitS = Number(setting("TEST_TIMEOUT_SECS", "test_timeout_seconds", "60"));

// One command on a connection of its own; the last string of the answer.
function redis(...words) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const socket = net.connect(Number(redisPort), redisHost);
  let answer = "";
  socket.on("error", reject);
  socket.on("connect", () => {
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`);
  });
  socket.on("data", (data) => {
    answer += data;
    const parts = answer.split("\r\n");
    // An array of n strings is a line for itself and two for each string.
    const lines = parts[0].startsWith("*") ? 1 + 2 * Math.max(0, Number(parts[0].slice(1))) : 1;
    if (parts.length > lines) {
      socket.destroy();
      if (parts[0].startsWith("-") || parts[0] === "*-1") {
        reject(new Error(`redis: ${words[0]}: ${parts[0]}`));
      } else {
        resolve(parts[lines - 1]);
      }
    }
  });
  return promise;
}

async function listen() {
  const node = await makeNode({ listen: [`/ip4/${ip}/tcp/0`] });
  const addresses = node.getMultiaddrs().map(String);
  // Every address of a machine includes one that only it can reach.
  const address = addresses.find((text) => !text.startsWith("/ip4/127.")) ?? addresses[0];
  await redis("RPUSH", key, address);
  console.error(`listening on ${address}`);
  setTimeout(() => process.exit(1), limitS * 1000);
  process.on("SIGTERM", () => process.exit(0));
}

async function dial() {
  const address = multiaddr(await redis("BLPOP", key, String(Math.ceil(limitS))));
  const node = await makeNode({});
  const start = performance.now();
  const connection = await node.dial(address);
  const pinging = performance.now();
  await node.services.ping.ping(connection.remotePeer);
  const end = performance.now();
  console.log(
    `latency:\n  handshake_plus_one_rtt: ${(end - start).toFixed(3)}\n` +
      `  ping_rtt: ${(end - pinging).toFixed(3)}\n  unit: ms`,
  );
  process.exit(0);
}

try {
  if (stack !== "tcp noise yamux") {
    throw new Error(`no ${stack} here, only tcp noise yamux`);
  }
  await (isDialer ? dial() : listen());
} catch (error) {
  console.error(`transport: ${error.message}`);
  process.exit(1);
}
