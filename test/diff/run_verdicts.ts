// `npx tsx test/diff/run_verdicts.ts --seed S --count N [--show K] [--log SEED] [--level 1|2]`: random programs through
// the running kernel's verifier and ours. Prints each kind of difference with its first seeds, and the totals;
// --log writes both logs of one seed to /tmp for a diff. --caps none|bpf|bpf,net_admin: both with these capabilities only
// (as root, where kernel.unprivileged_bpf_disabled is 0); with none, socket filters.
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { parseCaps, runWithCaps } from "../harness/drop_caps.ts";
import { randomProg } from "../harness/random_prog.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import { verify, VerifierError } from "../../src/verifier/verify.ts";
import { KernelVerdicts, ourVerdict, type Verdict } from "./verdicts.ts";

const KINDS = ["we accept", "we refuse", "errno", "words", "processed"] as const;
type Kind = (typeof KINDS)[number];

/** The kernel counts insns anew after it has cut out what is dead. */
function sameWords(kernel: string, ours: string): boolean {
  return kernel === ours || (/No program to jit/.test(kernel) && /No program to jit/.test(ours));
}

function differs(kernel: Verdict, ours: Verdict): Kind | undefined {
  if (kernel.code !== "" && ours.code === "") return "we accept";
  if (kernel.code === "" && ours.code !== "") return "we refuse";
  if (kernel.code !== ours.code) return "errno";
  if (!sameWords(kernel.words, ours.words)) return "words";
  return kernel.processed === ours.processed ? undefined : "processed";
}

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "1000" },
    show: { type: "string", default: "5" },
    log: { type: "string" },
    level: { type: "string", default: "2" },
    caps: { type: "string" },
    dropped: { type: "boolean", default: false },
  },
});
const caps = values.caps === undefined ? CAPABILITIES : parseCaps(values.caps);
if (values.caps !== undefined && !values.dropped) process.exit(runWithCaps(caps));
const options = { type: caps.includes("net_admin") ? "xdp" : "socket_filter" } as const;
const kernel = new KernelVerdicts(randomProg(0, options).prog.maps, caps.includes("bpf"));

function writeLogs(seed: number): void {
  const level = values.level === "1" ? 1 : 2;
  const { prog } = randomProg(seed, options);
  let ours: readonly string[];
  try {
    ours = verify(prog, { logLevel: level, cpus: availableParallelism(), caps }).log;
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    ours = e.log;
  }
  writeFileSync("/tmp/kernel.log", kernel.log(prog, level));
  writeFileSync("/tmp/ours.log", `${ours.join("\n")}\n`);
  console.log(kernel.of(prog), ourVerdict(prog, caps));
}

function run(seed: number, count: number, show: number): void {
  const counts = new Map<Kind, number>();
  let accepted = 0;
  let kernelMs = 0;
  let oursMs = 0;
  for (let i = seed; i < seed + count; i++) {
    const { prog } = randomProg(i, options);
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
