// One CPU of the timer stress test: random helpers on the timers of two maps, and its own due callbacks, which do the same.
// Map `own`: each element is updated and deleted by one thread only, so that thread knows when a timer is gone for good.
// Map `shared`: everyone does everything. Plain JavaScript, because Workers cannot start from TypeScript under vitest on Node 20.
import { parentPort, workerData } from "node:worker_threads";

const { bytes, callbackModule, memory, own, shared, cpu, cpus, id, ms, keys, L, gate, freed, maxDue } =
  workerData;
const table = new WebAssembly.Table({ element: "anyfunc", initial: 4 });
const lib = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
  env: { memory, table, prog: () => 0n, wait: () => 0 },
}).exports;
const view = new DataView(memory.buffer);
const words = new Int32Array(memory.buffer);
const long = new BigInt64Array(memory.buffer);
const key = cpu + 8192;
const value = key + 64;
const room = key + 128;
const count = { fired: 0, deadlock: 0, cancelled: 0, waited: 0, freed: 0, errors: [], results: {} };

let state = (id + 1) * 0x9e3779b9;
function random(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

function fail(what) {
  if (count.errors.length < 5) count.errors.push(`cpu ${id}: ${what}`);
}

function note(name, result) {
  const at = `${name} ${result}`;
  count.results[at] = (count.results[at] ?? 0) + 1;
  return Number(result);
}

function find(map, n) {
  view.setUint32(key, n, true);
  return Number(lib.map_lookup_elem(cpu, BigInt(map.addr), BigInt(key)));
}

/** The host's lookup-and-delete of one element. */
function take(map, n) {
  view.setUint32(key, n, true);
  return Number(lib.map_take_elem(map.addr, key, room, 0, cpu));
}

/** And of whole buckets, from a bucket on that may not be there. */
function takeBuckets(map) {
  view.setUint32(room, random(8), true);
  return lib.map_take(map.addr, room, room + 64, 32 * random(5), 0, cpu);
}

/** The map's last user goes while the others use it, and another comes. */
function closeMap(map) {
  Atomics.store(words, (map.addr + L.MAP_USER_REFS) / 4, 0);
  lib.map_release_timers(map.addr);
  Atomics.store(words, (map.addr + L.MAP_USER_REFS) / 4, 1);
}

function update(map, n, flags = 0n) {
  view.setUint32(key, n, true);
  return Number(lib.map_update_elem(cpu, BigInt(map.addr), BigInt(key), BigInt(value), flags));
}

function remove(map, n) {
  view.setUint32(key, n, true);
  return Number(lib.map_delete_elem(cpu, BigInt(map.addr), BigInt(key)));
}

/** What this thread freed, outside of callbacks: after this no callback with that word may run. */
function markFreed(word) {
  const index = (Number(word & 0xffffffffn) - own.addr) / 8;
  Atomics.store(words, freed / 4 + index, Number(word >> 32n) + 1);
  count.freed++;
}

function checkAlive(word, when) {
  const t = Number(word & 0xffffffffn);
  if (t < own.addr || t >= own.end) return;
  const gone = Atomics.load(words, freed / 4 + (t - own.addr) / 8);
  if (gone > Number(word >> 32n)) fail(`${when} with a timer that was freed`);
}

let depth = 0;

function callback(prog) {
  return (on, fp, map, k, v) => {
    if (on !== cpu) fail("a callback of another CPU");
    if (depth++ !== 0) fail("a callback inside a callback");
    const word = Atomics.load(long, (cpu + L.CPU_CUR_TIMER) / 8);
    checkAlive(word, "fired");
    if (view.getUint32(cpu + L.CPU_CUR_PROG, true) !== prog) fail("another program's callback");
    count.fired++;
    for (let n = random(3); n > 0; n--) act(true);
    if (random(2) === 0) note("again", lib.timer_start(cpu, v + 8n, BigInt(random(maxDue)), 0n));
    if (Atomics.load(long, (cpu + L.CPU_CUR_TIMER) / 8) !== word) fail("the running timer changed");
    checkAlive(word, "still ran");
    depth--;
    return 0n;
  };
}

for (const [i, prog] of [1, 2].entries()) {
  const f = callback(prog);
  table.set(i, new WebAssembly.Instance(new WebAssembly.Module(callbackModule), { e: { f } }).exports.f);
}

function act(inside) {
  const map = random(2) === 0 ? own : shared;
  const n = random(keys);
  const what = random(16);
  if (what < 2) {
    change(map, n, what === 0, inside);
    return;
  }
  const at = find(map, n);
  if (at === 0) {
    if (map === shared) update(map, n);
    return;
  }
  const slot = BigInt(at + 8);
  if (what < 5) note("init", lib.timer_init(cpu, slot, BigInt(map.addr), 1n));
  else if (what < 8) note("set_callback", lib.timer_set_callback(cpu, slot, BigInt(random(2))));
  else if (what < 13) note("start", lib.timer_start(cpu, slot, BigInt(random(maxDue)), 0n));
  else if (what < 15) {
    const result = note("cancel", lib.timer_cancel(cpu, slot));
    if (![0, 1, -22, -35].includes(result)) fail(`cancel gave ${result}`);
    if (result === -35 && !inside) fail("a cancel outside of callbacks gave EDEADLK");
    if (result === -35) count.deadlock++;
  } else note("cancel_async", lib.timer_cancel_async(cpu, slot));
}

function removeShared(map, n) {
  const how = map.array ? 0 : random(3);
  if (how === 0) note("delete", remove(map, n));
  else if (how === 1) note("take", take(map, n));
  else note("buckets", takeBuckets(map) > 0);
}

function change(map, n, deletes, inside) {
  if (map === shared) {
    // of LRU maps more keys than fit: evictions
    if (!inside && id === 0 && random(32) === 0) note("closed", closeMap(map));
    else if (deletes) removeShared(map, n);
    else if (update(map, random(map.keys)) < -12) fail("update of a shared element");
    return;
  }
  if (inside || n % cpus !== id) return;
  const at = find(map, n);
  const word = at === 0 ? 0n : Atomics.load(long, (at + 8) / 8);
  const result = !deletes || map.array ? update(map, n) : random(2) === 0 ? remove(map, n) : take(map, n);
  if (result !== 0 && result !== -2) fail(`change of an own element gave ${result}`);
  if (word !== 0n && result === 0) markFreed(word);
}

Atomics.add(words, gate / 4, 1);
while (Atomics.load(words, gate / 4) < cpus);

const end = Date.now() + ms;
let rounds = 0;
while (Date.now() < end) {
  for (let i = 0; i < 50; i++) {
    act(false);
    rounds++;
    if (random(4) === 0) {
      const now = view.getBigUint64(cpu + L.CPU_MONOTONIC, true);
      lib.timers_run(cpu, now + BigInt(random(maxDue)), 50);
    }
  }
}
parentPort.postMessage({ ...count, rounds });
