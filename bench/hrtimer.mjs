// How late timers are from JavaScript on the real clock: the addon's waits beside what Node has. Lateness is the
// first clock reading after the wait minus the deadline. By itself: node bench/hrtimer.mjs [--quick]; needs dist/.
import { loadavg } from "node:os";
import { setTimeout as timeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { requireAddon } from "../dist/native/binding.js";
import { fmtNs, printTable } from "./table.mjs";

const PERIOD = 200_000;
const WORDS = { due: 0, asleep: 8, seq: 16, stop: 20 };
const NONE = 0xffff_ffff_ffff_ffffn;

// name, makes { wait(deadline in ns as a number), close() }; a wait may end early: it is asked again
const METHODS = [
  ["waiter, spin adaptive", (addon) => onWaiter(addon, "adaptive", "wait")],
  ["waiter, spin off", (addon) => onWaiter(addon, "off", "wait")],
  ["waiter, event loop, spin adaptive", (addon) => onWaiter(addon, "adaptive", "waitAsync")],
  ["waiter, event loop, spin off", (addon) => onWaiter(addon, "off", "waitAsync")],
  ["Atomics.wait", atomicsWait],
  ["setTimeout", (addon) => ({ wait: (at) => timeout((at - Number(addon.clockNs())) / 1e6), close() {} })],
];

function onWaiter(addon, spin, how) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const due = new BigUint64Array(memory.buffer, WORDS.due, 1).fill(NONE);
  const waiter = addon.waiter(new Uint8Array(memory.buffer), WORDS, { spin });
  return {
    wait(at) {
      due[0] = BigInt(at);
      return waiter[how]();
    },
    close: () => waiter.close(),
  };
}

function atomicsWait(addon) {
  const word = new Int32Array(new SharedArrayBuffer(4));
  return { wait: (at) => Atomics.wait(word, 0, 0, (at - Number(addon.clockNs())) / 1e6), close() {} };
}

async function sleepUntil(addon, method, at) {
  let now = Number(addon.clockNs());
  while (now < at) {
    const done = method.wait(at);
    if (done instanceof Promise) await done;
    now = Number(addon.clockNs());
  }
  return now;
}

/** What comes too late for its period skips it: a timer that is re-armed from its callback. */
async function periodic(addon, method, count) {
  const late = new Float64Array(count);
  let at = Number(addon.clockNs());
  for (let i = 0; i < count; i++) {
    at += PERIOD;
    const now = await sleepUntil(addon, method, at);
    late[i] = now - at;
    if (late[i] > PERIOD) at = now;
  }
  return late;
}

async function atRandom(addon, method, count) {
  const start = Number(addon.clockNs()) + 1e6;
  const times = Float64Array.from({ length: count }, () =>
    Math.floor(start + Math.random() * count * 1e5),
  ).sort();
  const late = new Float64Array(count);
  for (let i = 0; i < count; ) {
    const now = await sleepUntil(addon, method, times[i]);
    for (; i < count && times[i] <= now; i++) late[i] = now - times[i];
  }
  return late;
}

async function measure(addon, run, count, rounds) {
  const late = METHODS.map(() => []);
  const cpu = METHODS.map(() => 0);
  const wall = METHODS.map(() => 0);
  // in turns: a busy minute of the machine is everybody's
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, make]] of METHODS.entries()) {
      const method = make(addon);
      await run(addon, method, 500); // spinning is learned, code compiled
      const used = process.cpuUsage();
      const start = performance.now();
      late[i].push(...(await run(addon, method, count)));
      wall[i] += performance.now() - start;
      const { user, system } = process.cpuUsage(used);
      cpu[i] += (user + system) / 1e3;
      method.close();
    }
  }
  return METHODS.map(([name], i) => {
    const sorted = Float64Array.from(late[i]).sort();
    const at = (q) => fmtNs(sorted[Math.floor(q * sorted.length)]);
    return [name, at(0.5), at(0.9), at(0.99), at(0.999), `${((100 * cpu[i]) / wall[i]).toFixed(0)}%`];
  });
}

async function idle(addon) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  new BigUint64Array(memory.buffer, WORDS.due, 1).fill(NONE);
  const waiter = addon.waiter(new Uint8Array(memory.buffer), WORDS);
  const used = process.cpuUsage();
  waiter.wait(addon.clockNs() + 2_000_000_000n);
  const { user, system } = process.cpuUsage(used);
  waiter.close();
  return (user + system) / 2;
}

export async function hrtimer(quick) {
  const addon = requireAddon("bench");
  const rounds = quick ? 1 : 3;
  const head = ["LATENESS", "P50", "P90", "P99", "P99.9", "CPU"];
  const load = () => `load ${loadavg()[0].toFixed(1)}`;
  const rows = await measure(addon, periodic, quick ? 1000 : 5000, rounds);
  printTable(`a timer every 200 µs (${load()})`, head, rows);
  const random = await measure(addon, atRandom, quick ? 2000 : 10_000, rounds);
  printTable(`timers at random times, 10,000 a second (${load()})`, head, random);
  console.log(`\n  a wait without a deadline: ${(await idle(addon)).toFixed(0)} µs of CPU a second`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await hrtimer(process.argv.includes("--quick"));
