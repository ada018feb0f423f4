// One thread of the stress test: random calls on one map, own keys checked against a model at each step, shared keys counted.
// Plain JavaScript, because Workers cannot start from TypeScript under vitest on Node 20.
import { parentPort, workerData } from "node:worker_threads";

const { bytes, memory, map, cpu, id, threads, rounds, ownKeys, sharedKeys, keySize, lru } = workerData;
const lib = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
  env: {
    memory,
    prog: () => 0n,
    wait: () => 0,
    table: new WebAssembly.Table({ element: "anyfunc", initial: 1 }),
  },
}).exports;
const view = new DataView(memory.buffer);
const key = cpu + 8192;
const value = key + 64;
const result = { inserted: 0, deleted: 0, refused: 0, locked: 0, errors: [] };

let state = (id + 1) * 0x9e3779b9;
function random(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

function fail(what) {
  if (result.errors.length < 5) result.errors.push(`thread ${id}: ${what}`);
}

function setKey(n) {
  view.setUint32(key, n, true);
  for (let i = 4; i < keySize; i++) view.setUint8(key + i, n * i);
}

function update(n, v, flags) {
  setKey(n);
  view.setUint32(value, n, true);
  view.setUint32(value + 4, v, true);
  view.setUint32(value + 8, n ^ v, true);
  return Number((lru ? lib.lru_hash_update : lib.hash_update)(map, key, value, BigInt(flags), cpu));
}

const own = new Map();

function stepOwn(i) {
  const n = 1000 + random(ownKeys) * threads + id;
  setKey(n);
  const at = (lru ? lib.lru_hash_lookup : lib.hash_lookup)(map, key, cpu) >>> 0;
  const there = own.get(n);
  if (!lru) {
    if ((at !== 0) !== (there !== undefined)) fail(`round ${i}: key ${n} is ${at === 0 ? "lost" : "back"}`);
    else if (at !== 0 && view.getUint32(at + 4, true) !== there)
      fail(`round ${i}: key ${n} has another value`);
    else if (at !== 0 && view.getUint32(at, true) !== n)
      fail(`round ${i}: key ${n} has the value of another key`);
  }
  if (random(3) === 0) {
    const deleted = Number(lib.hash_delete(map, key, cpu)) === 0;
    if (!lru && deleted !== (there !== undefined)) fail(`round ${i}: delete of ${n} gave ${deleted}`);
    own.delete(n);
  } else {
    const got = update(n, i, 0);
    if (got !== 0) fail(`round ${i}: update of ${n} gave ${got}`);
    own.set(n, i);
  }
}

function stepShared() {
  const n = random(sharedKeys);
  const what = random(4);
  setKey(n);
  if (what === 0) {
    if (Number(lib.hash_delete(map, key, cpu)) === 0) result.deleted++;
  } else if (what === 1) {
    const got = update(n, random(1 << 30), 1);
    if (got === 0) result.inserted++;
    else if (got !== -17) fail(`insert of ${n} gave ${got}`);
    else result.refused++;
  } else if (what === 2) {
    const got = update(n, random(1 << 30), 2);
    if (got !== 0 && got !== -2) fail(`replace of ${n} gave ${got}`);
  } else {
    lib.hash_lookup(map, key, cpu);
  }
}

// A key as a lock: who inserts it with BPF_NOEXIST holds it until it deletes it. Two holders are two elements of one key.
const owners = new Int32Array(memory.buffer, 0x18040, 2);
function stepLock() {
  const n = random(2);
  if (update(500 + n, id, 1) !== 0) return;
  result.locked++;
  if (Atomics.exchange(owners, n, 1) !== 0) fail(`lock ${n} was held by another`);
  Atomics.store(owners, n, 0);
  setKey(500 + n);
  if (Number(lib.hash_delete(map, key, cpu)) !== 0) fail(`lock ${n} was lost`);
}

const gate = new Int32Array(memory.buffer, 0x18000, 1);
Atomics.add(gate, 0, 1);
while (Atomics.load(gate, 0) < threads);

for (let i = 0; i < rounds; i++) {
  if (sharedKeys !== 0 && random(3) === 0) for (let k = 0; k < 4; k++) stepLock();
  else if (sharedKeys === 0 || random(2) === 0) stepOwn(i);
  else stepShared();
}
parentPort.postMessage({ ...result, own: [...own] });
