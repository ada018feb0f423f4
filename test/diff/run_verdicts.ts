// `npx tsx test/diff/run_verdicts.ts --seed S --count N [--about packets|objects] [--show K] [--log SEED] [--level 1|2]`:
// random programs through the running kernel's verifier and ours. Prints each kind of difference with its first seeds,
// and the totals; --log writes both logs of one seed to /tmp for a diff. --caps none|bpf|bpf,net_admin: both with these
// capabilities only (as root, where kernel.unprivileged_bpf_disabled is 0); with none, socket filters.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { RUNNING } from "../../runtime/load/outside.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { parseCaps, runWithCaps } from "../harness/drop_caps.ts";
import { OBJECT_MAPS, randomObjectProg } from "../harness/random_objects.ts";
import { randomProg } from "../harness/random_prog.ts";
import { differs, type Kind, KernelVerdicts, KINDS, logLines, ourLog, ourVerdict } from "./verdicts.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "1000" },
    show: { type: "string", default: "5" },
    log: { type: "string" },
    level: { type: "string", default: "2" },
    caps: { type: "string" },
    dropped: { type: "boolean", default: false },
    about: { type: "string", default: "packets" },
  },
});
const caps = values.caps === undefined ? CAPABILITIES : parseCaps(values.caps);
if (values.caps !== undefined && !values.dropped) process.exit(runWithCaps(caps));
const options = { type: caps.includes("net_admin") ? "xdp" : "socket_filter" } as const;

/** What random programs are about. */
const ABOUT: Readonly<Record<string, { readonly maps: readonly MapDef[]; make: (seed: number) => Prog }>> = {
  packets: { maps: randomProg(0, options).prog.maps, make: (seed) => randomProg(seed, options).prog },
  objects: { maps: OBJECT_MAPS, make: (seed) => randomObjectProg(seed, RUNNING.kernelBtf) },
};
const about = ABOUT[values.about];
if (about === undefined) throw new Error(`--about ${values.about}: one of ${Object.keys(ABOUT).join(", ")}`);
const { make } = about;
const kernel = new KernelVerdicts(about.maps, caps.includes("bpf"));

function writeLogs(seed: number): void {
  const level = values.level === "1" ? 1 : 2;
  const prog = make(seed);
  writeFileSync("/tmp/kernel.log", `${logLines(kernel.log(prog, level)).join("\n")}\n`);
  writeFileSync("/tmp/ours.log", `${logLines(ourLog(prog, level, caps)).join("\n")}\n`);
  console.log(kernel.of(prog), ourVerdict(prog, caps));
}

function run(seed: number, count: number, show: number): void {
  const counts = new Map<Kind, number>();
  let accepted = 0;
  let kernelMs = 0;
  let oursMs = 0;
  for (let i = seed; i < seed + count; i++) {
    const prog = make(i);
    const t0 = performance.now();
    const k = kernel.of(prog);
    const t1 = performance.now();
    const o = ourVerdict(prog, caps);
    oursMs += performance.now() - t1;
    kernelMs += t1 - t0;
    if (k.code === "") accepted++;
    const kind = differs(k, o);
    if (kind === undefined) continue;
    const n = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, n);
    if (n > show) continue;
    console.log(`${kind}: seed ${i}`);
    console.log(`  kernel ${k.code} ${k.processed} ${k.words}`);
    console.log(`  ours   ${o.code} ${o.processed} ${o.words}`);
  }
  const totals = KINDS.map((kind) => `${kind} ${counts.get(kind) ?? 0}`).join(", ");
  console.log(`${count} programs, kernel accepts ${accepted}; ${totals}`);
  console.log(`kernel ${kernelMs.toFixed(0)} ms, ours ${oursMs.toFixed(0)} ms`);
}

if (values.log !== undefined) writeLogs(Number(values.log));
else run(Number(values.seed), Number(values.count), Number(values.show));
