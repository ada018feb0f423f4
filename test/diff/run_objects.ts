// Accepted programs of other kinds in every engine, as `run_random.ts` does with random ones, each step held against what
// the verifier claimed: `npx tsx test/diff/run_objects.ts [--seed S] [--count N] [--failures K] OBJECT…` changes each program of
// the objects in N ways; without objects, N random programs about objects.
import { parseArgs } from "node:util";
import { openObject } from "../../runtime/load/open.ts";
import { RUNNING } from "../../runtime/load/outside.ts";
import { toProg } from "../../runtime/load/prog.ts";
import type { ObjectSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { plausibleFrame } from "../harness/random_frames.ts";
import { OBJECT_MAPS, randomObjectProg } from "../harness/random_objects.ts";
import type { RandomProg } from "../harness/random_prog.ts";
import { mutate } from "./mutate.ts";
import { type Failure, RandomDiff } from "./random_diff.ts";
import { listing, shrink } from "./shrink.ts";
import { Stats } from "./stats.ts";

/** Programs in one module. */
const BATCH = 32;
const PLAIN = new Map<string, number>();

export type OnFailure = (failure: Failure, name: string, diff: RandomDiff) => Promise<void>;

async function runBatches(
  diffs: () => RandomDiff,
  name: string,
  seeds: readonly number[],
  make: (seed: number) => Prog,
  onFailure: OnFailure,
): Promise<void> {
  for (let i = 0; i < seeds.length; i += BATCH) {
    const diff = diffs();
    const randoms: RandomProg[] = seeds
      .slice(i, i + BATCH)
      .map((seed) => ({ seed, prog: make(seed), features: PLAIN }));
    for (const failure of await diff.progs(randoms)) await onFailure(failure, name, diff);
  }
}

function around(spec: ObjectSpec, prog: Prog): ConstructorParameters<typeof RandomDiff>[2] {
  return { type: prog.type, maps: prog.maps, data: spec.maps.map((m) => m.data), frame: plausibleFrame };
}

/** Changes of every program of an object that can be run. Returns why some programs were left out. */
export async function runMutants(
  path: string,
  seeds: readonly number[],
  stats: Stats,
  onFailure: OnFailure,
): Promise<string[]> {
  const { spec } = openObject(path);
  const leftOut: string[] = [];
  for (const p of spec.progs) {
    if (RUN_TYPES[p.type] === undefined) {
      leftOut.push(`${p.name}: ${p.type}`);
      continue;
    }
    try {
      const prog = toProg(spec, p);
      const diffs = (): RandomDiff => new RandomDiff(stats, undefined, around(spec, prog));
      await runBatches(diffs, `${path} ${p.name}`, seeds, (seed) => mutate(prog, seed), onFailure);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      leftOut.push(`${p.name}: ${error.message.split("\n")[0]}`);
    }
  }
  return leftOut;
}

/** Random programs about what calls hand out, as far as there is something here that hands it out. */
export async function runObjectProgs(
  seeds: readonly number[],
  stats: Stats,
  onFailure: OnFailure,
): Promise<void> {
  for (const type of ["xdp", "sched_cls"] as const) {
    const own = seeds.filter((seed) => randomObjectProg(seed, RUNNING.kernelBtf).type === type);
    const diffs = (): RandomDiff =>
      new RandomDiff(stats, undefined, { type, maps: OBJECT_MAPS, frame: plausibleFrame });
    await runBatches(diffs, "objects", own, (seed) => randomObjectProg(seed, RUNNING.kernelBtf), onFailure);
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "0" },
      count: { type: "string", default: "100" },
      failures: { type: "string", default: "10" },
    },
  });
  const stats = new Stats();
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
  });
  const from = Number(values.seed);
  const seeds = Array.from({ length: Number(values.count) }, (_, i) => from + i);
  let failures = 0;
  const onFailure: OnFailure = async (failure, name, diff) => {
    if (++failures > Number(values.failures)) return;
    console.log(`${name} seed ${failure.seed}: ${failure.where} at ${failure.pc}: ${failure.what}`);
    const small = await shrink(diff, { seed: failure.seed, prog: failure.prog, features: PLAIN }, failure);
    console.log(
      `shrunk: ${small.where} at ${small.pc}: ${small.what}\n${listing(small.prog.insns, small.pc)}`,
    );
  };
  for (const path of positionals) {
    if (stopped) break;
    for (const why of await runMutants(path, seeds, stats, onFailure))
      console.log(`left out: ${path} ${why}`);
    console.error(`${path}: ${stats.generated} programs, ${stats.accepted} run, ${failures} failures`);
  }
  if (positionals.length === 0) await runObjectProgs(seeds, stats, onFailure);
  console.log(stats.text());
  console.log(`${failures} failures`);
  if (failures > 0) process.exitCode = 1;
}

if (process.argv[1]?.endsWith("run_objects.ts") === true) await main();
