// Map operations from JavaScript, one call each; and what verification and compilation cost.
import Benchmark from "benchmark";
import { readdirSync } from "node:fs";
import { loadKernelObject, loadObject, openObject, verifyEach } from "../dist/runtime/index.js";
import { fmtNs, printTable } from "./table.mjs";

const OBJECTS = new URL("../test/objects/", import.meta.url).pathname;
const ENTRIES = 4096;

function keyOf(map, n) {
  const key = new Uint8Array(map.shape.keySize);
  new DataView(key.buffer).setUint32(0, n, true);
  return key;
}

function addCases(suite, where, map) {
  const keys = Array.from({ length: ENTRIES }, (_, n) => keyOf(map, n));
  const value = new Uint8Array(map.shape.valueSize);
  for (const key of keys) map.update(key, value);
  let n = 0;
  const next = () => keys[(n = (n + 1) % ENTRIES)];
  suite.add(`${where} lookup`, () => map.lookup(next()));
  suite.add(`${where} update`, () => map.update(next(), value));
}

async function operations(quick) {
  const opened = openObject(`${OBJECTS}bench.o`);
  const object = await loadObject(opened, { progs: ["count"] });
  const options = { maxTime: quick ? 0.2 : 1, minSamples: 5 };
  const suite = new Benchmark.Suite({}, {});
  addCases(suite, "ours, hash", object.map("flows"));
  let kernel;
  try {
    kernel = loadKernelObject(opened, { progs: ["count"] });
    addCases(suite, "kernel, hash", kernel.map("flows"));
  } catch (error) {
    if (error.code === undefined) throw error;
    console.log(`\nno map operations of the kernel: ${error.message}`);
  }
  const rows = [];
  suite.forEach((b) => {
    Object.assign(b.options, options);
    b.run();
    if (b.error) throw b.error;
    rows.push([b.name, fmtNs(b.stats.mean * 1e9), `±${b.stats.rme.toFixed(1)}%`]);
  });
  printTable(
    `map operations from JavaScript, ${ENTRIES} entries of 16 + 16 bytes`,
    ["OPERATION", "A CALL", ""],
    rows,
  );
  object.close();
  kernel?.close();
}

function verification() {
  let processed = 0;
  let us = 0;
  const files = readdirSync(OBJECTS).filter((f) => f.endsWith(".o") && !f.startsWith("bad"));
  // the first round warms the verifier up and is not counted
  for (const counted of [false, true, true]) {
    for (const file of files) {
      const { spec } = openObject(OBJECTS + file);
      for (const verdict of verifyEach(spec, spec.progs)) {
        if (!counted || !verdict.accept) continue;
        processed += verdict.stats.processed;
        us += verdict.stats.timeUs;
      }
    }
  }
  return [
    `verify ${files.length} objects, warm`,
    `${processed} insns`,
    `${(processed / us).toFixed(2)} M insns/s`,
  ];
}

async function compilation() {
  const rows = [];
  for (const [file, prog] of [
    ["bench.o", "parse"],
    ["bench.o", "count"],
    ["balancer.o", "balancer"],
  ]) {
    const opened = openObject(OBJECTS + file);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      const from = performance.now();
      const object = await loadObject(opened, { progs: [prog], cache: false });
      best = Math.min(best, performance.now() - from);
      object.close();
    }
    rows.push([
      `load ${prog}, not cached`,
      `${opened.prog(prog).insns.length} insns`,
      `${best.toFixed(1)} ms`,
    ]);
  }
  return rows;
}

export async function maps(quick) {
  await operations(quick);
  printTable(
    "verification and compilation",
    ["WHAT", "SIZE", "TIME"],
    [verification(), ...(await compilation())],
  );
}
