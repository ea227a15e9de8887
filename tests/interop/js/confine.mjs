// Preloaded into every foreign process: keeps it on the loopback address and on the ports it was given, and ends it
// with its parent. The release fixes its UDP port and serves its RPC on every address of the machine, so two test
// runs would collide and strangers could call. Nothing of what the process computes or sends is touched.
//
// UDP_PORT: what every UDP socket that asks for a port of its own gets instead.
import dgram from "node:dgram";
import net from "node:net";
import { isMainThread } from "node:worker_threads";

const LOOPBACK = "127.0.0.1";

const bind = dgram.Socket.prototype.bind;
dgram.Socket.prototype.bind = function (port, ...rest) {
  if (typeof port === "number" && port !== 0 && process.env.UDP_PORT) {
    port = Number(process.env.UDP_PORT);
  }
  return bind.call(this, port, ...rest);
};

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (where, ...rest) {
  if (typeof where === "object" && where !== null && where.port !== undefined) {
    where = { ...where, host: LOOPBACK };
  } else if (typeof where === "number") {
    where = { port: where, host: LOOPBACK };
    rest = rest.filter((value) => typeof value === "function");
  }
  return listen.call(this, where, ...rest);
};

// Standard input is a pipe from the parent that nobody writes to: its end is the parent's end, however that came.
if (isMainThread && process.env.END_WITH_STDIN) {
  process.stdin.on("end", () => process.exit(1)).on("error", () => process.exit(1));
  process.stdin.resume();
  process.stdin.unref?.();
}
