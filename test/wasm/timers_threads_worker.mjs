// One of two CPUs of timers_threads.test.ts: does its part, step by step with the other, and tells what it saw.
// Plain JavaScript, because Workers cannot start from TypeScript under vitest on Node 20.
import { parentPort, workerData } from "node:worker_threads";

const { part, rounds, flags, id, cpu, memory, bytes, callbackModule, map, value, other, otherMap, L } =
  workerData;
const view = new DataView(memory.buffer);
const words = new Int32Array(memory.buffer);
const long = new BigInt64Array(memory.buffer);
const table = new WebAssembly.Table({ element: "anyfunc", initial: 4 });
const lib = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
  env: { memory, table, prog: () => 0n, wait: () => 0 },
}).exports;
const [slot, own] = [value + 8, (id === 0 ? value : other) + 8];
const key = cpu + 8192;
const fresh = key + 128;
const at = (flag) => flags / 4 + flag;
const [STARTED, ENDED, FREED, GATE] = [0, 1, 2, 4];
const out = {};

const set = (flag) => Atomics.store(words, at(flag), 1);
const get = (flag) => Atomics.load(words, at(flag));

/** Until the other has come to it; false after two seconds. */
function until(flag) {
  const end = Date.now() + 2000;
  while (get(flag) === 0) if (Date.now() > end) return false;
  return true;
}

/** Both begin a step together. */
let step = 0;
function meet() {
  step += 2;
  Atomics.add(words, at(GATE), 1);
  while (Atomics.load(words, at(GATE)) < step);
}

const count = (what) => (out[what] = (out[what] ?? 0) + 1);
const helper = (name, ...args) => Number(lib[name](cpu, ...args.map(BigInt)));

function define(index, f) {
  const callback = (...args) => {
    f(Number(args[4]));
    return 0n;
  };
  const module = new WebAssembly.Module(callbackModule);
  table.set(index, new WebAssembly.Instance(module, { e: { f: callback } }).exports.f);
}

function arm(timer, of, callback) {
  for (const [name, ...args] of [
    ["timer_init", timer, of, 1],
    ["timer_set_callback", timer, callback],
    ["timer_start", timer, 0, 0],
  ]) {
    const result = helper(name, ...args);
    if (result !== 0) throw new Error(`${name} gave ${result}`);
  }
}

const fire = () => lib.timers_run(cpu, view.getBigUint64(cpu + L.CPU_MONOTONIC, true), 10);

/** The other CPU does this while the callback runs; then it looks whether that has ended. */
function beside(what) {
  until(STARTED);
  view.setUint32(key, 1, true);
  out.result = Number(what());
  out.ended = get(ENDED);
  // of what was cancelled; what was freed may be set up again at once
  out.again = helper(...(part === "cancel" ? ["timer_start", slot, 0, 0] : ["timer_init", slot, map, 1]));
  if (part !== "cancel") lib.timer_free(slot, cpu);
}

const free = () =>
  view.getUint32(map + L.MAP_POOL, true) === 0
    ? helper("map_update_elem", map, key, fresh, 0)
    : helper("map_delete_elem", map, key);

const PARTS = {
  "slow callback": () => {
    define(0, () => {
      set(STARTED);
      const end = Date.now() + 20;
      while (Date.now() < end);
      set(ENDED);
    });
    arm(slot, map, 0);
    fire();
  },
  cancel: () => beside(() => helper("timer_cancel", slot)),
  update: () => beside(() => helper("map_update_elem", map, key, fresh, 0)),
  delete: () => beside(() => helper("map_delete_elem", map, key)),
  release: () =>
    beside(() => {
      Atomics.store(words, (map + L.MAP_USER_REFS) / 4, 0);
      lib.map_release_timers(map);
      Atomics.store(words, (map + L.MAP_USER_REFS) / 4, 1);
      return 0;
    }),
  "waiting callback": () => {
    define(0, () => {
      out.fired = (out.fired ?? 0) + 1;
      set(STARTED);
      out.told = Number(until(FREED));
      set(ENDED);
      out.slot = view.getUint32(key + 4, true);
    });
    arm(slot, map, 0);
    fire();
  },
  "callback that frees": () => {
    define(1, () => {
      until(STARTED);
      view.setUint32(key, 1, true);
      out.result = free();
      out.ended = get(ENDED);
      out.slot = Number(Atomics.load(long, slot / 8));
      out.init = helper("timer_init", slot, map, 1); // at once again
      set(FREED);
    });
    arm(own, otherMap, 1);
    fire();
  },
  "cancels the other's": () => {
    const theirs = (id === 0 ? other : value) + 8;
    define(id, () => {
      meet(); // both callbacks run
      count(helper("timer_cancel", theirs));
    });
    for (let i = 0; i < rounds; i++) {
      if (helper("timer_init", own, id === 0 ? map : otherMap, 1) === -1) throw new Error("no user");
      helper("timer_set_callback", own, id);
      helper("timer_start", own, 0, 0);
      fire();
      meet();
    }
  },
  init: () => {
    for (let i = 0; i < rounds; i++) {
      meet();
      count(helper("timer_init", slot, map, 1));
      meet();
      if (id === 1) lib.timer_free(slot, cpu);
    }
  },
  "init of a map": () => {
    for (let i = 0; i < rounds; i++) {
      meet();
      count(helper("timer_init", slot, map, 1));
      meet();
    }
  },
  "last user": () => {
    for (let i = 0; i < rounds; i++) {
      meet();
      Atomics.store(words, (map + L.MAP_USER_REFS) / 4, 0);
      lib.map_release_timers(map);
      meet();
      if (Atomics.load(long, slot / 8) !== 0n) count("leaked");
      lib.timer_free(slot, cpu);
      Atomics.store(words, (map + L.MAP_USER_REFS) / 4, 1);
    }
  },
};

PARTS[part]();
parentPort.postMessage(out);
