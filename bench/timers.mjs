// Timers: callbacks a second and start, restart and cancel with a million pending on the virtual clock; how late
// timers are on the real clock, beside the running kernel's in the same minutes where SOFTIRQ_ORACLE names the
// program that runs objects there. By itself: node bench/timers.mjs [--quick] [--real] (the real
// clock alone); needs dist/.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Host, loadObject, openObject } from "../dist/runtime/index.js";
import { mapLayout } from "../dist/runtime/map/map_layout.js";
import { fmtNs, printTable } from "./table.mjs";

const objectFile = (name) => new URL(`../test/objects/${name}.o`, import.meta.url).pathname;
const TIMERS = 1 << 20;
const FRAME = new Uint8Array(64);
const MONOTONIC = 64;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

// ---- the virtual clock ----

/** Elements of one run of a step. */
const CHUNK = 1 << 14;
/** Of the times of all runs: what a step takes when nobody disturbs it. */
const UNDISTURBED = 0.1;

/** In this order, each over as many elements as there are, several rounds. `whole`: set_callback, start, cancel. */
const STEPS = ["touch", "line", "start", "later", "other", "cancel", "callback_again"];
const BUSY_STEPS = ["touch", "line", "later", "other", "whole"];

/** Which element comes next: [what, stride, mask, steps]. */
const ORDERS = [
  ["one after the other", 1, TIMERS - 1, STEPS],
  ["1024 busy ones among them", 1, 1023, BUSY_STEPS],
  ["any, far from the one before", 0x9e3779b1, TIMERS - 1, STEPS],
];

/** One step over as many elements as there are; ns an element of each run. */
function pass(object, step) {
  const times = [];
  for (let i = 0; i < TIMERS / CHUNK; i++) {
    const { verdict, ns } = object.runPacket(step, FRAME);
    if (verdict !== 2) throw new Error(`${step}: not all elements`);
    times.push(ns / CHUNK);
  }
  return times;
}

/** ns an element for each step. */
function stepTimes(object, steps, rounds) {
  const times = Object.fromEntries(steps.map((step) => [step, []]));
  for (let round = 0; round < rounds; round++)
    for (const step of steps) times[step].push(...pass(object, step));
  return Object.fromEntries(steps.map((step) => [step, undisturbed(times[step])]));
}

const undisturbed = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length * UNDISTURBED)];

/** Runs what is due within so many virtual ns; ns a callback of each run of some thousands. */
function advance({ world, lib }, ns) {
  const cpu = world.cpu(0);
  const end = world.view.getBigUint64(cpu + MONOTONIC, true) + BigInt(ns);
  const times = [];
  for (let full = true; full; ) {
    const start = performance.now();
    full = lib.timers_run_all(cpu, end, CHUNK) === CHUNK;
    if (full) times.push(((performance.now() - start) * 1e6) / CHUNK);
  }
  return times;
}

/** An object whose timers are set up; those of a second one of the same host are pending when only some are used. */
async function manyTimers(host, stride, mask, steps) {
  const load = async (settings, progs) => {
    const opened = openObject(objectFile("clock_many"));
    for (const [name, value] of Object.entries(settings)) opened.set(name, BigInt(value));
    const object = await loadObject(opened, { host, progs });
    pass(object, "init");
    pass(object, "callback");
    return object;
  };
  if (mask !== TIMERS - 1) pass(await load({}, ["init", "callback", "start"]), "start");
  return load({ stride, mask }, ["init", "callback", ...steps]);
}

async function operations([what, stride, mask, steps], rounds) {
  const host = new Host();
  const object = await manyTimers(host, stride, mask, steps);
  const times = stepTimes(object, steps, rounds);
  object.close();
  const { touch, line } = times;
  const net = (step) => (times[step] === undefined ? "" : fmtNs(times[step] - touch));
  const changes = ["start", "later", "other", "cancel", "whole"].map(net);
  return [what, ...changes, fmtNs(touch), fmtNs(line)];
}

async function atRandom() {
  const host = new Host();
  const object = await manyTimers(host, 0x9e3779b1, TIMERS - 1, ["start"]);
  pass(object, "start");
  const times = advance(host, 2e9);
  object.close();
  return undisturbed(times);
}

async function callbacks(rounds) {
  const object = await loadObject(openObject(objectFile("clock_many")), { progs: ["running"] });
  object.runPacket("running", FRAME);
  advance(object.host, 2e8); // code is compiled
  const times = [];
  for (let i = 0; i < rounds; i++) times.push(...advance(object.host, 2e8));
  object.close();
  return undisturbed(times);
}

/** What an element of an array takes more because its value holds a timer, spare objects in it. */
function timerBytes() {
  const shape = { name: "m", type: "array", keySize: 4, valueSize: 24, maxEntries: TIMERS, flags: 0 };
  const timer = { kind: "bpf_timer", name: "t", off: 8, size: 16 };
  const size = (specialFields) => mapLayout({ ...shape, specialFields }, 1).totalSize;
  return ((size([timer]) - size([])) / TIMERS).toFixed(2);
}

async function virtualClock(quick) {
  const rounds = quick ? 3 : 7;
  const head = ["WHICH", "START", "LATER", "ANEW", "CANCEL", "ALL THREE", "LOOKUP", "MEMORY"];
  const rows = [];
  for (const order of ORDERS) rows.push(await operations(order, rounds));
  printTable(
    `timers on the virtual clock: ${TIMERS} in a map, all pending; net of loop and lookup; goal 40 ns each`,
    head,
    rows,
  );
  console.log(
    "  later, anew: started again, for a later or for any time; lookup: a store to the value found;\n" +
      "  memory: a plain addition in as many lines as timer objects take, in the same order",
  );
  const again = await callbacks(rounds);
  const all = await atRandom();
  printTable(
    "callbacks on the virtual clock",
    ["", "NS", "GOAL"],
    [
      ["of 1000 timers that arm themselves again", fmtNs(again), "100 ns"],
      [`of ${TIMERS} timers at random times`, fmtNs(all), ""],
    ],
  );
  console.log(
    `  ${(1e3 / again).toFixed(1)} million callbacks a second; ${timerBytes()} bytes a timer beside its value`,
  );
}

// ---- the real clock ----

/**
 * at_random arms 100 timers a packet, in the kernel fewer: as many as it has memory at hand for. All are armed before the
 * first is due.
 */
const PACKETS = { periodic: [1, 1], at_random: [100, 10000] };
/** between two packets of the kernel's, µs */
const GAP = 50;
const CLOCKS = [
  { name: "spin off", options: { spin: "off" } },
  { name: "spin adaptive", options: { spin: "adaptive" } },
  { name: "spin off, realtime", options: { spin: "off", priority: "realtime" } },
  { name: "spin adaptive, realtime", options: { spin: "adaptive", priority: "realtime" } },
];

/** The clocks that this process may have. */
async function clocks() {
  const able = [];
  for (const { name, options } of CLOCKS) {
    try {
      await new Host({ clock: "real", ...options }).close();
      able.push({ name, options });
    } catch (error) {
      console.log(`\n  ${name} is left out: ${error.message}`);
    }
  }
  return able;
}

async function lateHere(prog, options, seconds) {
  const host = new Host({ clock: "real", ...options });
  const object = await loadObject(openObject(objectFile("clock_late")), { host, progs: [prog] });
  for (let i = 0; i < PACKETS[prog][0]; i++) object.runPacket(prog, FRAME);
  const used = process.cpuUsage();
  await sleep(seconds * 1e3);
  const { user, system } = process.cpuUsage(used);
  const late = [];
  const count = Number(object.globals().count);
  for (let i = 0; i < count; i++) {
    const value = object.map("late").lookup(new Uint8Array(Uint32Array.of(i).buffer));
    late.push(Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)));
  }
  object.close();
  await host.close();
  return { late, cpu: (user + system) / (seconds * 1e6) };
}

function lateInKernel(oracle, dir, prog, seconds) {
  const capture = join(dir, `${prog}.pcap`);
  const parts = [Uint32Array.of(0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1)];
  for (let i = 0; i < PACKETS[prog][1]; i++) parts.push(Uint32Array.of(1, i * GAP, 64, 64), FRAME);
  writeFileSync(capture, Buffer.concat(parts.map((p) => new Uint8Array(p.buffer))));
  const args = ["timed", "--tail-ms", String(seconds * 1000), objectFile("clock_late"), prog, capture];
  const { status, stdout, stderr } = spawnSync(oracle, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${oracle}: ${stderr.trim().split("\n").at(-1)}`);
  const { entries } = JSON.parse(stdout).maps.late;
  return { late: entries.map(([, hex]) => Number(Buffer.from(hex, "hex").readBigUInt64LE())) };
}

const quantile = (late, q) => late.toSorted((a, b) => a - b)[Math.floor(q * late.length)];
const figures = ({ late, cpu }) => ({
  count: late.length,
  p50: quantile(late, 0.5),
  p99: quantile(late, 0.99),
  cpu,
});

/** Medians over the rounds; `of`: of the ratio to the kernel in the same round. */
function summary(name, rounds, kernel) {
  const over = (what) => median(rounds.map(what));
  const of = (q) => (kernel === undefined ? "" : `${over((r, i) => r[q] / kernel[i][q]).toFixed(2)}x`);
  return [
    name,
    over((r) => r.count),
    fmtNs(over((r) => r.p50)),
    of("p50"),
    fmtNs(over((r) => r.p99)),
    of("p99"),
    rounds[0].cpu === undefined ? "" : `${(100 * over((r) => r.cpu)).toFixed(0)}%`,
  ];
}

async function lateness(able, dir, prog, title, seconds, rounds) {
  const oracle = process.env.SOFTIRQ_ORACLE;
  const kernel = oracle === undefined ? undefined : [];
  const ours = able.map(() => []);
  // in turns: a busy minute of the machine is everybody's
  for (let round = 0; round < rounds; round++) {
    kernel?.push(figures(lateInKernel(oracle, dir, prog, seconds)));
    for (const [i, { options }] of able.entries())
      ours[i].push(figures(await lateHere(prog, options, seconds)));
  }
  printTable(
    `${title}; medians of ${rounds} rounds (load ${loadavg()[0].toFixed(1)})`,
    ["LATENESS", "CALLBACKS", "P50", "OF KERNEL'S", "P99", "OF KERNEL'S", "CPU"],
    [
      ...(kernel === undefined ? [] : [summary("the kernel's bpf_timer", kernel, kernel)]),
      ...able.map(({ name }, i) => summary(`real clock, ${name}`, ours[i], kernel)),
    ],
  );
}

async function realClock(quick) {
  if (process.env.SOFTIRQ_ORACLE === undefined)
    console.log(
      "\n  the kernel's own timers are left out: SOFTIRQ_ORACLE does not name a program that runs them",
    );
  const dir = mkdtempSync(join(tmpdir(), "softirq-bench-"));
  const rounds = quick ? 1 : 5;
  const able = await clocks();
  const warm = await warmUp();
  try {
    await lateness(able, dir, "periodic", "a timer every 200 µs", 1, rounds);
    await lateness(able, dir, "at_random", "10,000 timers at random times of a second", 2.2, rounds);
    console.log(
      "  as callbacks read it: the time at which the sleep ended; native/README.md says how much later they run",
    );
  } finally {
    await warm.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** While it is open the engine keeps the code it has compiled well: the rounds measure timers, not compilation. */
async function warmUp() {
  const host = new Host({ clock: "real" });
  const object = await loadObject(openObject(objectFile("clock_late")), { host });
  for (let i = 0; i < 100; i++) object.runPacket("at_random", FRAME);
  object.runPacket("periodic", FRAME);
  await sleep(3000);
  for (const map of ["one", "many"]) object.map(map).update(new Uint8Array(4), new Uint8Array(24));
  return host;
}

export async function timers(quick) {
  await virtualClock(quick);
  await realClock(quick);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const quick = process.argv.includes("--quick");
  await (process.argv.includes("--real") ? realClock(quick) : timers(quick));
}
