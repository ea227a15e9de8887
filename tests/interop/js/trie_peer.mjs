// Cuts CE 129 answers out of @typeberry/lib's own state trie. Its argument is the folder of node_modules. One JSON
// object a line, on both sides; bytes in hex.
//
//   {"load": NAME, "entries": [[key, value], ...]}             -> {"root": hash}
//   {"range": NAME, "start": key, "end": key, "max_size": n}   -> {"nodes": [64 bytes, ...], "entries": [[key, value]]}
//
// A failure is {"error": text}. Which nodes and entries belong into an answer is JAMNP-S's text, "CE 129: State
// request"; nodes, hashes and the order of the leaves are the library's.
import { createRequire } from "node:module";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const packages = createRequire(`${process.argv[2]}/package.json`);
const { bytes, hash, trie } = await import(pathToFileURL(packages.resolve("@typeberry/lib")));

const KEPT = 16; // tries, as foreign_trie.py counts them; the oldest goes first
const KEY_BYTES = 31;
const NODE_BYTES = 64;

const blake2b = await hash.Blake2b.createHasher();
const hasher = { hashConcat: (first, rest = []) => blake2b.hashBlobs([first, ...rest]) };
const tries = new Map();

const hex = (raw) => Buffer.from(raw).toString("hex");
const bitAt = (raw, index) => (raw[index >> 3] >> (7 - (index & 7))) & 1;
const isLeaf = (node) => node.getNodeType() !== trie.NodeType.Branch;

function load(name, entries) {
  const tree = trie.InMemoryTrie.empty(hasher);
  const values = new Map();
  for (const [key, value] of entries) {
    tree.set(bytes.Bytes.parseBytesNoPrefix(key, KEY_BYTES), bytes.BytesBlob.parseBlobNoPrefix(value));
    values.set(key, value);
  }
  tries.delete(name);
  tries.set(name, { tree, values });
  if (tries.size > KEPT) {
    tries.delete(tries.keys().next().value);
  }
  return { root: hex(tree.getRootHash().raw) };
}

function child(tree, branch, bit) {
  const at = bit ? branch.getRight() : branch.getLeft();
  const node = tree.nodes.get(at);
  if (node === null && at.raw.some((byte) => byte !== 0)) {
    throw new Error(`the trie lacks node ${at}`);
  }
  return node;
}

// The nodes from the root towards a key, down to a leaf or to an empty place.
function path(tree, key) {
  const nodes = [];
  for (let node = tree.getRootNode(); node !== null; ) {
    nodes.push(node);
    node = isLeaf(node) ? null : child(tree, node.asBranchNode(), bitAt(key, nodes.length - 1));
  }
  return nodes;
}

function* leaves(tree, node = tree.getRootNode()) {
  if (node === null) {
    return;
  }
  if (isLeaf(node)) {
    yield node.asLeafNode();
    return;
  }
  const branch = node.asBranchNode();
  yield* leaves(tree, child(tree, branch, 0));
  yield* leaves(tree, child(tree, branch, 1));
}

function naturalBytes(number) {
  let size = 1;
  for (let limit = 2 ** 7; number >= limit && size < 9; limit *= 2 ** 7) {
    size += 1;
  }
  return size;
}

// Both paths without what they share. As sets of raw bytes, since the library makes its nodes anew.
function union(first, second) {
  const seen = new Set();
  return [...first, ...second].map((node) => hex(node.raw)).filter((raw) => !seen.has(raw) && seen.add(raw));
}

function range(name, start, end, maxSize) {
  const state = tries.get(name);
  if (state === undefined) {
    throw new Error(`no trie ${name}`);
  }
  const { tree, values } = state;
  const near = path(tree, Buffer.from(start, "hex"));
  let nodes = union(near, []);
  let size = 0;
  const entries = [];
  for (const leaf of leaves(tree)) {
    const key = hex(leaf.getKey().raw);
    if (key < start) {
      continue;
    }
    if (key > end) {
      break;
    }
    const value = values.get(key);
    const length = value.length / 2;
    size += KEY_BYTES + naturalBytes(length) + length;
    const both = union(near, path(tree, Buffer.from(key, "hex")));
    if (entries.length > 0 && size + both.length * NODE_BYTES > maxSize) {
      break;
    }
    entries.push([key, value]);
    nodes = both;
  }
  return { nodes, entries };
}

function answer(request) {
  if (request.load !== undefined) {
    return load(request.load, request.entries);
  }
  return range(request.range, request.start, request.end, request.max_size);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = answer(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
