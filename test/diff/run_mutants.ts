// Programs of objects, each changed a little in many ways, through the running kernel's verifier and ours; what ours accepts
// also runs in the interpreter, each step held against what was claimed:
// `npx tsx test/diff/run_mutants.ts [--seed S] [--count N] [--show K] [--prog NAME --log SEED] OBJECT…`: N changes of each
// program. Programs that get another verdict as they are, and objects whose maps the kernel does not make, are named and left out.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openObject } from "../../runtime/load/open.ts";
import { toProg } from "../../runtime/load/prog.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { CAPABILITIES } from "../../src/spec/privileges.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { plausibleFrame } from "../harness/random_frames.ts";
import type { Surroundings } from "../harness/random_world.ts";
import { parseAgainst } from "./claim_run.ts";
import { ClaimTotals } from "./claim_totals.ts";
import { mutate } from "./mutate.ts";
import { openVerdicts } from "./object_verdicts.ts";
import { VerdictStats } from "./verdict_stats.ts";
import { differs, type KernelVerdicts, logLines, ourLog, ourVerdict, ourVerified } from "./verdicts.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "100" },
    show: { type: "string", default: "5" },
    prog: { type: "string" },
    log: { type: "string" },
    against: { type: "string", default: "path,claims" },
  },
});
const stats = new VerdictStats();
const claims = new ClaimTotals(CAPABILITIES, 100_000, parseAgainst(values.against));
let stopped = false;
process.once("SIGINT", () => {
  stopped = true;
});

/** What the error says, if it is one of an object that cannot be had. */
function whyNot(error: unknown): string {
  if (!(error instanceof BpfError)) throw error;
  return error.message.split("\n")[0] ?? error.code;
}

function compare(kernel: KernelVerdicts, around: Surroundings, prog: Prog, name: string, seed: number): void {
  const t0 = performance.now();
  const k = kernel.of(prog);
  const t1 = performance.now();
  const o = ourVerified(prog);
  stats.oursMs += performance.now() - t1;
  stats.kernelMs += t1 - t0;
  const broken = o.verified === undefined ? undefined : claims.add(o.verified, seed, around);
  if (broken !== undefined)
    console.log(`broken: ${name} seed ${seed}: ${broken.where} at ${broken.pc}: ${broken.what}`);
  const kind = stats.add(seed, k, o);
  if (kind === undefined || stats.seedsOf(kind).length > Number(values.show)) return;
  console.log(`${kind}: ${name} seed ${seed}`);
  console.log(`  kernel ${k.code} ${k.processed} ${k.words}`);
  console.log(`  ours   ${o.code} ${o.processed} ${o.words}`);
}

function writeLogs(kernel: KernelVerdicts, prog: Prog): void {
  writeFileSync("/tmp/kernel.log", `${logLines(kernel.log(prog, 2)).join("\n")}\n`);
  writeFileSync("/tmp/ours.log", `${logLines(ourLog(prog, 2)).join("\n")}\n`);
  console.log(kernel.of(prog), ourVerdict(prog));
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

async function runProg(
  kernel: KernelVerdicts,
  prog: Prog,
  name: string,
  data: Surroundings["data"],
): Promise<void> {
  if (values.log !== undefined) return writeLogs(kernel, mutate(prog, Number(values.log)));
  const kind = differs(kernel.of(prog), ourVerdict(prog));
  if (kind !== undefined && kind !== "processed") return console.log(`left out: ${name}: ${kind}`);
  const from = Number(values.seed);
  const around = { type: prog.type, maps: prog.maps, data: data ?? [], frame: plausibleFrame };
  for (let seed = from; seed < from + Number(values.count) && !stopped; seed++)
    compare(kernel, around, mutate(prog, seed), name, seed);
  await turn();
}

for (const path of positionals) {
  try {
    const { spec } = openObject(path);
    const kernel = openVerdicts(spec);
    const data = spec.maps.map((map) => map.data);
    for (const prog of spec.progs) {
      if (stopped || (values.prog !== undefined && prog.name !== values.prog)) continue;
      try {
        await runProg(kernel, toProg(spec, prog), `${path} ${prog.name}`, data);
      } catch (error) {
        console.log(`left out: ${path} ${prog.name}: ${whyNot(error)}`);
      }
    }
    kernel.close();
  } catch (error) {
    console.log(`left out: ${path}: ${whyNot(error)}`);
  }
}
console.log(`${positionals.length} objects from seed ${values.seed}: ${stats.text()}\n${claims.text()}`);
if (claims.broken > 0) process.exitCode = 1;
