// One program of many in every engine: WebAssembly plain and checked against the interpreter, memories compared byte
// for byte and every step of the interpreter held against what the verifier claimed. Many at a time, because
// compiling is most of the work. Finds differences; what is done about them is the caller's.
import { loadInterp, interpEngine } from "../../runtime/engine/interp_engine.ts";
import type { EngineOptions, EngineProg } from "../../runtime/engine/engine.ts";
import { wasmEngine } from "../../runtime/engine/wasm.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { THROW } from "../../src/spec/kfuncs/index.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import type { Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { type RandomProg, randomProg } from "../harness/random_prog.ts";
import { firstDifference, RandomWorld, type Surroundings } from "../harness/random_world.ts";
import { BatchWorld } from "./batch.ts";
import { ClaimRun, forget, tryVerify } from "./claim_run.ts";
import type { Stats } from "./stats.ts";

/** Insns the verifier may process in a program that is run: its claims are all kept. */
const MAX_PROCESSED = 20_000;
/** One in so many programs goes through the engine itself, linked alone with helpers inlined. */
const ALONE = 24;

export interface Failure {
  readonly seed: number;
  /** `verifier`, `claims`, `interp`, `wasm`, `wasm checked` */
  readonly where: string;
  readonly what: string;
  readonly pc: number | undefined;
  readonly prog: Prog;
}

interface Job {
  readonly seed: number;
  readonly random: RandomProg;
  readonly verified: VerifiedProg;
}

const options = (checked: boolean): EngineOptions => ({ checked, opt: 1, cache: false });

export class RandomDiff {
  readonly #interp: ClaimRun;
  readonly #wasm;
  /** where programs are loaded to see whether they can be run at all */
  readonly #trial: RandomWorld;

  /** `caps`: what the process has that has the programs verified */
  constructor(
    readonly stats: Stats,
    readonly caps: readonly Capability[] = CAPABILITIES,
    readonly around?: Surroundings,
  ) {
    this.#interp = new ClaimRun(caps, around);
    this.#trial = new RandomWorld(interpEngine, options(false), around);
    this.#wasm = [false, true].map((checked) => {
      const random = new RandomWorld(wasmEngine, options(checked), around);
      return { checked, random, batch: new BatchWorld(random), name: checked ? "wasm checked" : "wasm" };
    });
  }

  /** Programs of these seeds, in one module for each kind of WebAssembly. */
  async seeds(from: number, count: number): Promise<Failure[]> {
    return this.progs(Array.from({ length: count }, (_, i) => randomProg(from + i)));
  }

  async progs(randoms: readonly RandomProg[]): Promise<Failure[]> {
    const failures: Failure[] = [];
    const jobs: Job[] = [];
    for (const random of randoms) {
      this.stats.generated++;
      const job = this.#prepare(random.seed, random, failures);
      if (job !== undefined) jobs.push(job);
    }
    failures.push(...(await this.run(jobs)));
    return failures;
  }

  /** The failure of one program, if any: for shrinking. */
  async one(random: RandomProg): Promise<Failure | undefined> {
    const failures: Failure[] = [];
    const job = this.#prepare(random.seed, random, failures);
    if (job !== undefined) failures.push(...(await this.run([job])));
    return failures[0];
  }

  #prepare(seed: number, random: RandomProg, failures: Failure[]): Job | undefined {
    const { prog } = random;
    const fail = (where: string, what: string): void => {
      failures.push({ seed, where, what, pc: undefined, prog });
    };
    try {
      const verified = tryVerify(prog, this.caps);
      if ("refused" in verified) {
        this.stats.reject(verified.refused);
        return undefined;
      }
      if (verified.stats.processed > MAX_PROCESSED) {
        this.stats.tooLong++;
        return undefined;
      }
      if (!this.#canRun(verified)) return undefined;
      return { seed, random, verified };
    } catch (error) {
      fail("verifier", `threw ${(error as Error).stack}`);
      return undefined;
    }
  }

  #canRun(verified: VerifiedProg): boolean {
    const { world, maps } = this.#trial;
    try {
      const { tableIndex } = loadInterp(world, verified, { maps }, { checked: false });
      forget(world.table, tableIndex, verified.subprogs.length);
      return true;
    } catch (error) {
      if (!(error instanceof BpfError) || error.code !== "EOPNOTSUPP") throw error;
      this.stats.cannotRun(error.message);
      return false;
    }
  }

  async run(jobs: readonly Job[]): Promise<Failure[]> {
    if (jobs.length === 0) return [];
    const failures: Failure[] = [];
    const alone = jobs.filter(({ seed }) => seed % ALONE === 0 || jobs.length === 1);
    const together = jobs.filter((job) => !alone.includes(job));
    const loaded: EngineProg[][] = [];
    for (const { random, batch, checked, name } of this.#wasm) {
      const progs: EngineProg[] = [];
      try {
        for (const { verified } of alone) progs.push(await random.load(verified));
        if (together.length > 0)
          progs.push(
            ...batch.load(
              together.map(({ verified }) => verified),
              checked,
            ),
          );
      } catch (error) {
        failures.push(...(await this.#splitLoad(jobs, name, error as Error)));
        return failures;
      }
      loaded.push(progs);
    }
    for (const [i, job] of [...alone, ...together].entries()) {
      const progs = loaded.map((of) => of[i] as EngineProg);
      const failure = this.#compare(job, progs, i >= alone.length);
      if (failure !== undefined) failures.push(failure);
    }
    return failures;
  }

  /** A program that cannot be compiled is found by compiling each alone. */
  async #splitLoad(jobs: readonly Job[], name: string, error: Error): Promise<Failure[]> {
    const [first] = jobs;
    if (first === undefined) return [];
    const failure = {
      seed: first.seed,
      where: `${name} compile`,
      what: String(error.stack),
      pc: undefined,
      prog: first.random.prog,
    };
    if (jobs.length === 1) return [failure];
    const fresh = new RandomDiff(this.stats, this.caps, this.around);
    const failures: Failure[] = [];
    for (const job of jobs) failures.push(...(await fresh.run([job])));
    return failures.length > 0 ? failures : [failure];
  }

  #compare(job: Job, wasm: readonly EngineProg[], isBatch: boolean): Failure | undefined {
    const { seed, verified, random } = job;
    const failed = (where: string, what: string, pc?: number): Failure => ({
      seed,
      where,
      what,
      pc,
      prog: random.prog,
    });
    const outcome = this.#interp.run(verified, seed);
    if (outcome.kind !== "held" || outcome.cut) {
      for (const [i, { tableIndex }] of wasm.entries()) this.#forget(i, tableIndex, verified);
      if (outcome.kind === "broken") return failed(outcome.where, outcome.what, outcome.pc);
      this.stats.tooLong++;
      return undefined;
    }
    const { results } = outcome;
    const { world, maps } = this.#interp.random;
    // what was thrown comes out of no insn; of those the rows are compared, with all other memory
    const mayThrow = verified.facts.kfuncs.includes(THROW);
    for (const [i, prog] of wasm.entries()) {
      const kind = this.#wasm[i];
      if (kind === undefined) throw new Error("no such kind");
      try {
        kind.random.run(prog, seed);
      } catch (error) {
        return failed(kind.name, (error as Error).message, prog.trapPc?.(error as Error));
      } finally {
        this.#forget(i, prog.tableIndex, verified);
      }
      const theirs = isBatch ? kind.batch.results : results;
      const packet = results.findIndex((r0, at) => r0 !== theirs[at]);
      if (!mayThrow && (packet !== -1 || results.length !== theirs.length))
        return failed(
          kind.name,
          `packet ${packet}: r0 is 0x${theirs[packet]?.toString(16)}, interp has 0x${results[packet]?.toString(16)}`,
        );
      const at = firstDifference(world, kind.random.world);
      if (at !== undefined)
        return failed(
          kind.name,
          `memory differs at ${describeAddress(at, maps)}: ${this.#around(at, kind.random)}`,
        );
    }
    this.stats.claims += outcome.claims;
    this.stats.accept(verified, random.features, outcome, results.length);
    return undefined;
  }

  #around(at: number, other: RandomWorld): string {
    const hex = ({ world }: RandomWorld): string =>
      Buffer.from(world.bytes.slice(at & ~7, (at & ~7) + 8)).toString("hex");
    return `${hex(other)} where interp has ${hex(this.#interp.random)}`;
  }

  /** In the world of one kind of WebAssembly. */
  #forget(kind: number, first: number, verified: VerifiedProg): void {
    const table = this.#wasm[kind]?.random.world.table;
    if (table !== undefined) forget(table, first, verified.subprogs.length);
  }
}

/** What lies at an address, as far as it has a name. */
function describeAddress(at: number, maps: RandomWorld["maps"]): string {
  const map = maps.find(({ address, totalSize }) => at >= address && at < address + totalSize);
  if (map !== undefined) return `map ${map.def.name}+${at - map.address}`;
  return `0x${at.toString(16)}`;
}
