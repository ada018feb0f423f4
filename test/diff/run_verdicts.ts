// Random programs through the running kernel's verifier and ours; what ours accepts also runs in the interpreter, each
// step held against what was claimed:
// `npx tsx test/diff/run_verdicts.ts --seed S --count N [--about packets|objects|contexts] [--show K] [--every N] [--log SEED] [--level 1|2]`.
// Prints each kind of difference with its first seeds, and the totals: at the end, every N programs, when interrupted.
// --log writes both logs of one seed to /tmp for a diff. --caps none|bpf|bpf,net_admin: both with these capabilities
// only (as root, where kernel.unprivileged_bpf_disabled is 0); with none, socket filters.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { RUNNING } from "../../runtime/load/outside.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { parseCaps, runWithCaps } from "../harness/drop_caps.ts";
import { plausibleFrame } from "../harness/random_frames.ts";
import { OBJECT_MAPS, randomObjectProg } from "../harness/random_objects.ts";
import { randomProg } from "../harness/random_prog.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { CONTEXT_MAPS, randomContextProg } from "./random_contexts.ts";
import { parseAgainst } from "./claim_run.ts";
import { ClaimTotals } from "./claim_totals.ts";
import { VerdictStats } from "./verdict_stats.ts";
import { KernelVerdicts, logLines, ourLog, ourVerdict, ourVerified } from "./verdicts.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "1000" },
    show: { type: "string", default: "5" },
    every: { type: "string", default: "5000" },
    log: { type: "string" },
    against: { type: "string", default: "path,claims" },
    level: { type: "string", default: "2" },
    caps: { type: "string" },
    dropped: { type: "boolean", default: false },
    about: { type: "string", default: "packets" },
  },
});
const caps = values.caps === undefined ? CAPABILITIES : parseCaps(values.caps);
if (values.caps !== undefined && !values.dropped) process.exit(runWithCaps(caps));
const against = parseAgainst(values.against);
const options = { type: caps.includes("net_admin") ? "xdp" : "socket_filter" } as const;

interface About {
  readonly maps: readonly MapDef[];
  readonly frame?: NonNullable<Surroundings["frame"]>;
  readonly make: (seed: number) => Prog;
}

/** What random programs are about. */
const ABOUT: Readonly<Record<string, About>> = {
  packets: { maps: randomProg(0, options).prog.maps, make: (seed) => randomProg(seed, options).prog },
  contexts: { maps: CONTEXT_MAPS, frame: plausibleFrame, make: (seed) => randomContextProg(seed) },
  objects: {
    maps: OBJECT_MAPS,
    frame: plausibleFrame,
    make: (seed) => randomObjectProg(seed, RUNNING.kernelBtf),
  },
};
const about = ABOUT[values.about];
if (about === undefined) throw new Error(`--about ${values.about}: one of ${Object.keys(ABOUT).join(", ")}`);
const { make, maps, frame } = about;
const kernel = KernelVerdicts.plain(maps, caps.includes("bpf"));

function writeLogs(seed: number): void {
  const level = values.level === "1" ? 1 : 2;
  const prog = make(seed);
  writeFileSync("/tmp/kernel.log", `${logLines(kernel.log(prog, level)).join("\n")}\n`);
  writeFileSync("/tmp/ours.log", `${logLines(ourLog(prog, level, caps)).join("\n")}\n`);
  console.log(kernel.of(prog), ourVerdict(prog, caps));
}

const arounds = new Map<Prog["type"], Surroundings>();

/** The same object for the same type. */
function aroundOf(type: Prog["type"]): Surroundings {
  const known = arounds.get(type);
  if (known !== undefined) return known;
  const around = { type, maps, ...(frame === undefined ? {} : { frame }) };
  arounds.set(type, around);
  return around;
}

const acceptedByType = new Map<string, number>();

/** A turn of the loop: signals are handled. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

async function run(seed: number, count: number, show: number, every: number): Promise<void> {
  const stats = new VerdictStats();
  const claims = new ClaimTotals(caps, undefined, against);
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
  });
  for (let i = seed; i < seed + count && !stopped; i++) {
    const prog = make(i);
    const t0 = performance.now();
    const k = kernel.of(prog);
    const t1 = performance.now();
    const o = ourVerified(prog, caps);
    stats.oursMs += performance.now() - t1;
    stats.kernelMs += t1 - t0;
    if (k.code === "") acceptedByType.set(prog.type, (acceptedByType.get(prog.type) ?? 0) + 1);
    const kind = stats.add(i, k, o);
    if (kind !== undefined && stats.seedsOf(kind).length <= show) {
      console.log(`${kind}: seed ${i}`);
      console.log(`  kernel ${k.code} ${k.processed} ${k.words}`);
      console.log(`  ours   ${o.code} ${o.processed} ${o.words}`);
    }
    const broken = o.verified === undefined ? undefined : claims.add(o.verified, i, aroundOf(prog.type));
    if (broken !== undefined)
      console.log(`broken: seed ${i}: ${broken.where} at ${broken.pc}: ${broken.what}`);
    if (stats.programs % 64 === 0) await turn();
    if (stats.programs % every === 0 && stats.programs < count)
      console.log(`… ${stats.text()}; ${claims.ran} run, ${claims.broken} broken`);
  }
  if (values.about === "contexts")
    for (const [type, n] of acceptedByType) console.log(`  ${type}: ${n} accepted`);
  console.log(`${values.about} from seed ${seed}: ${stats.text()}\n${claims.text()}`);
  if (claims.broken > 0) process.exitCode = 1;
}

if (values.log !== undefined) writeLogs(Number(values.log));
else await run(Number(values.seed), Number(values.count), Number(values.show), Number(values.every));
