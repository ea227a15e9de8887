// GRANDPA justifications by a signer of its own: written from the text of jam-np's pull request 6 (commit 737b8ae,
// simple.md, "Grandpa") alone, over @noble's Ed25519 and BLAKE2b. Prints one JSON object, { vectors: [...] }; each has
// the voters' keys, what a verifier is told beforehand, the bytes, and whether they prove the target final.
import { ed25519 } from "@noble/curves/ed25519.js";
import { blake2b } from "@noble/hashes/blake2.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const PREVOTE = 0;
const PRECOMMIT = 1;
const hash = (data) => blake2b(data, { dkLen: 32 });
const filled = (count, byte) => new Uint8Array(count).fill(byte);
const word = (text) => hash(utf8ToBytes(text));

function little(value, size) {
  const out = new Uint8Array(size);
  for (let at = 0, rest = BigInt(value); at < size; at++, rest >>= 8n) {
    out[at] = Number(rest & 255n);
  }
  return out;
}

// GP's general natural number encoding, for what occurs here.
const natural = (value) => (value < 128 ? Uint8Array.of(value) : Uint8Array.of(128 | (value >> 8), value & 255));

const vote = (header, root, slot) => concatBytes(header, root, little(slot, 4));

function precommit(secret, chosen, round, set, type = PRECOMMIT) {
  const message = concatBytes(utf8ToBytes("jam_grandpa_vote"), Uint8Array.of(type), chosen, little(round, 8), little(set, 4));
  return concatBytes(chosen, ed25519.sign(message, secret), ed25519.getPublicKey(secret));
}

const justification = (round, set, target, votes, headers = []) =>
  concatBytes(little(round, 8), little(set, 4), target, natural(votes.length), ...votes, natural(headers.length), ...headers);

// A header without marks or offenders.
const header = (parent, slot) =>
  concatBytes(parent, word("root"), word("extrinsic" + slot), little(slot, 4), filled(2, 0), little(3, 2), filled(96, 5),
    Uint8Array.of(0), filled(96, 6));

function voters(count, label) {
  const secrets = Array.from({ length: count }, (_, at) => word(`${label} ${at}`));
  const keys = concatBytes(...secrets.map((secret, at) => concatBytes(filled(32, at & 255), ed25519.getPublicKey(secret))));
  return { secrets, keys };
}

const vectors = [];

function put(name, spec, keys, set, wanted, data, good, more = {}) {
  vectors.push({ name, spec, keys: bytesToHex(keys), set, wanted: wanted && bytesToHex(wanted), data: bytesToHex(data), good,
    ...more });
}

function tiny() {
  const [round, set, slot] = [0x100000007n, 0x80000009, 0xfedcba98];
  const { secrets, keys } = voters(6, "tiny");
  const others = voters(6, "removed");
  const target = vote(word("block"), word("state"), slot);
  const block = target.slice(0, 32);
  const root = target.slice(32, 64);
  const by = (who, chosen = target, inRound = round, ofSet = set, type = PRECOMMIT) =>
    who.map((at) => precommit(secrets[at], chosen, inRound, ofSet, type));
  const proves = (support, evidence = 0, duplicates = 0) =>
    ({ header: bytesToHex(block), root: bytesToHex(root), slot, support, evidence, duplicates });
  const add = (name, votes, good, headers = [], options = {}) =>
    put(name, "tiny", options.keys ?? keys, options.told ?? set, options.wanted === undefined ? block : options.wanted,
      justification(options.round ?? round, options.set ?? set, options.target ?? target, votes, headers), good !== null,
      good ?? {});
  const five = [0, 1, 2, 3, 4];

  add("five of six", by(five), proves(5));
  add("all", by([5, 3, 1, 0, 2, 4]), proves(6));
  add("unasked", by(five), proves(5), [], { wanted: null });
  add("one third", by([0, 1]), null);
  add("two thirds", by([0, 1, 2, 3]), null);
  add("four and one twice", [...by([0, 1, 2, 3]), ...by([3])], null);
  add("five and one twice", [...by(five), ...by([2])], proves(5, 0, 1));
  add("a set that was before", by(five, target, round, set - 1), null, [], { set: set - 1 });
  add("another set's signatures", by(five, target, round, set - 1), null);
  add("another round's signatures", by(five, target, round + 1n), null);
  add("prevotes", by(five, target, round, set, PREVOTE), null);
  add("removed validators", others.secrets.slice(0, 5).map((secret) => precommit(secret, target, round, set)), null);
  add("one removed validator", [...by([0, 1, 2, 3]), precommit(others.secrets[0], target, round, set)], null);
  add("another block", by(five), null, [], { wanted: word("another") });
  const wrongRoot = vote(block, word("another state"), slot);
  add("one for another state root", [...by([0, 1, 2, 3]), ...by([4], wrongRoot)], null);
  add("all for another state root", by(five, wrongRoot), null);
  const bad = by(five);
  bad[4] = Uint8Array.from(bad[4]);
  bad[4][100] ^= 1;
  add("a bit of a signature", bad, null);

  const first = header(block, slot + 2);
  const second = header(hash(first), slot + 3);
  const ahead = vote(hash(second), word("later"), slot + 3);
  const next = vote(hash(first), word("soon"), slot + 2);
  add("descendants", [...by([0, 1, 2]), ...by([3], next), ...by([4], ahead)], proves(5), [first, second]);
  add("descendants, headers turned around", [...by([0, 1, 2]), ...by([3], next), ...by([4], ahead)], proves(5), [second, first]);
  add("all for a descendant", by(five, ahead), proves(5), [first, second]);
  add("a descendant that is not shown", [...by([0, 1, 2, 3]), ...by([4], next)], null);
  add("a gap in the ancestry", [...by([0, 1, 2, 3]), ...by([4], ahead)], null, [second]);
  add("a header that nobody needs", by(five), null, [first]);
  const stranger = header(word("elsewhere"), slot + 2);
  add("another branch", [...by([0, 1, 2, 3]), ...by([4], vote(hash(stranger), word("soon"), slot + 2))], null, [stranger]);
  add("a descendant's slot", [...by([0, 1, 2, 3]), ...by([4], vote(hash(first), word("soon"), slot + 1))], null, [first]);
  add("two voted twice, and count once", [...by(five), ...by([1, 3], next)], proves(5, 2), [first]);
  add("two voted twice instead of another", [...by([0, 1, 2, 3]), ...by([1, 3], next)], null, [first]);

  add("set 0, round 1", by(five, target, 1n, 0), proves(5), [], { set: 0, told: 0, round: 1n });
  add("set 0, round 0", by(five, target, 0n, 0), null, [], { set: 0, told: 0, round: 0n });
  add("set 1, round 0", by(five, target, 0n, 1), proves(5), [], { set: 1, told: 1, round: 0n });

  const struck = Uint8Array.from(keys);
  struck.fill(0, 64 * 4, 64 * 5);
  const forged = concatBytes(target, Uint8Array.of(1), filled(63, 0), filled(32, 0));
  add("a struck-out key", [...by([0, 1, 2, 3]), forged], null, [], { keys: struck });
  add("the others of a set with a struck-out key", by([0, 1, 2, 3, 5]), proves(5), [], { keys: struck });
  put("cut short", "tiny", keys, set, block, justification(round, set, target, by(five)).slice(0, -1), false);
}

function full() {
  const { secrets, keys } = voters(1023, "full");
  const target = vote(word("full block"), word("full state"), 77);
  const votes = secrets.slice(0, 683).map((secret) => precommit(secret, target, 5, 40));
  const proves = { header: bytesToHex(target.slice(0, 32)), root: bytesToHex(target.slice(32, 64)), slot: 77, support: 683,
    evidence: 0, duplicates: 0 };
  put("683 of 1023", "full", keys, 40, null, justification(5, 40, target, votes), true, proves);
  put("682 of 1023", "full", keys, 40, null, justification(5, 40, target, votes.slice(1)), false);
  put("682 and one twice", "full", keys, 40, null, justification(5, 40, target, [...votes.slice(1), votes[1]]), false);
}

tiny();
full();
process.stdout.write(JSON.stringify({ vectors }));
