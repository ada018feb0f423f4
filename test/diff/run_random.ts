// `npx tsx test/diff/run_random.ts --seed S --count N [--replay SEED] [--failures N] [--brief]`: random programs in
// every engine, with statistics at the end. Prints a failure with its seed, program and packets, and what is left of it when shrunk.
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import type { Capability } from "../../src/spec/privileges.ts";
import { randomProg } from "../harness/random_prog.ts";
import { interpEngine } from "../../runtime/engine/interp_engine.ts";
import { RandomWorld } from "../harness/random_world.ts";
import { type Failure, RandomDiff } from "./random_diff.ts";
import { listing, shrink } from "./shrink.ts";
import { Stats } from "./stats.ts";

/** Programs in one module. */
const BATCH = 96;

export interface RandomRun {
  readonly stats: Stats;
  readonly failures: readonly Failure[];
}

export interface RandomRunOptions {
  readonly seed: number;
  readonly count: number;
  readonly caps?: readonly Capability[];
  /** failures after which the run ends */
  readonly maxFailures?: number;
  readonly progress?: (done: number, failures: number, stats: Stats) => void;
  readonly onFailure?: (failure: Failure) => Promise<void>;
}

export async function runRandom(run: RandomRunOptions): Promise<RandomRun> {
  const stats = new Stats();
  let diff = new RandomDiff(stats, run.caps);
  const failures: Failure[] = [];
  const end = run.seed + run.count;
  for (let seed = run.seed, batches = 1; seed < end; seed += BATCH, batches++) {
    // tables only grow
    if (batches % 100 === 0) diff = new RandomDiff(stats, run.caps);
    const found = await diff.seeds(seed, Math.min(BATCH, end - seed));
    failures.push(...found);
    for (const failure of found) await run.onFailure?.(failure);
    run.progress?.(seed + BATCH - run.seed, failures.length, stats);
    if (failures.length >= (run.maxFailures ?? Number.POSITIVE_INFINITY)) break;
  }
  return { stats, failures };
}

/** Everything about a failure; replays it alone, and smaller. */
export async function explain(failure: Failure): Promise<string> {
  const { seed } = failure;
  const diff = new RandomDiff(new Stats());
  const random = randomProg(seed);
  const again = await diff.one(random);
  const out = [`seed ${seed}: ${failure.where}: ${failure.what}`];
  if (again === undefined) out.push("  (not when run alone)");
  const small = await shrink(diff, random, again ?? failure);
  out.push(
    `shrunk: ${small.where} at insn ${small.pc ?? "?"}: ${small.what}`,
    listing(small.prog.insns, small.pc),
  );
  const frames = new RandomWorld(interpEngine, { checked: true, opt: 1, cache: false }).frames(seed);
  frames.forEach((frame, i) =>
    out.push(`packet ${i} (${frame.length}): ${Buffer.from(frame.slice(0, 64)).toString("hex")}`),
  );
  return out.join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "0" },
      count: { type: "string", default: "1000" },
      replay: { type: "string" },
      failures: { type: "string", default: "10" },
      brief: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.replay ?? values.seed);
  const count = values.replay === undefined ? Number(values.count) : 1;
  if (!Number.isInteger(seed) || !Number.isInteger(count)) throw new Error("--seed and --count take numbers");
  if (values.replay !== undefined) console.log(listing(randomProg(seed).prog.insns));
  const started = performance.now();
  let shown = 0;
  const { stats, failures } = await runRandom({
    seed,
    count,
    maxFailures: Number(values.failures),
    onFailure: async (failure) =>
      console.log(
        values.brief ? `seed ${failure.seed}: ${failure.where}: ${failure.what}` : await explain(failure),
      ),
    progress: (done, failed, { accepted }) => {
      if (performance.now() - shown < 20_000) return;
      shown = performance.now();
      const seconds = (shown - started) / 1000;
      console.log(
        `${done} of ${count} programs, ${accepted} run, ${failed} failures, ${seconds.toFixed(0)} s`,
      );
    },
  });
  if (!values.brief) console.log(stats.text());
  console.log(
    `seeds ${seed}..${seed + count - 1}, ${failures.length} failures, ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
