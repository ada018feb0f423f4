// Random programs of every type that is loaded without a target: loads and stores of their contexts at fields and
// beside them, packets and sockets where the context has some, helpers that fit the type, returns. Most are right. The
// same seed gives the same program.
import { RUNNING } from "../../runtime/load/outside.ts";
import type { RegNo, Size } from "../../src/isa/insn.ts";
import { CTX_LAYOUTS } from "../../src/spec/ctx/layouts.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { verify } from "../../src/verifier/verify.ts";
import { Rng } from "../harness/random_builder.ts";
import {
  argCode,
  type Caller,
  CALLERS,
  CANDIDATE_NAMES,
  fittingArgs,
  pointersOf,
} from "../verifier/helper_programs.ts";
import { assembleFor, KERNEL_MAPS } from "../verifier/kernel_maps.ts";

const KEPT: readonly RegNo[] = [7, 8, 9];
const SIZES: readonly Size[] = [1, 2, 4, 8];
const JUMPS = ["==", "!=", ">", "<", "s>", "s<", "&"] as const;
const ALU = ["+=", "-=", "&=", "|=", "<<=", ">>=", "*=", "^="] as const;
const RETURNS = [0, 0, 0, 1, 1, 1, 2, 3, 7, 128, -1, 4096] as const;
/** where numbers are spilled: helpers' arguments lie elsewhere */
const SPILLS = [-72, -80, -88] as const;

/** By caller: the helpers it may call, as far as we can give them arguments. */
const callable = new Map<Caller, readonly string[]>();

function asProg({ type, attach, flags }: Caller, source: string, name: string): Prog {
  const insns = assembleFor(source);
  return {
    name,
    type,
    ...(attach === undefined ? {} : { expectedAttachType: attach }),
    flags: flags === undefined ? [] : ["sleepable"],
    gplCompatible: true,
    insns,
    maps: KERNEL_MAPS,
    kernelBtf: RUNNING.kernelBtf,
    subprogs: [],
    lines: [],
    funcs: [{ pc: 0, typeId: 0 }],
  };
}

const ZEROES = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `*(u64 *)(r10 -${8 * i}) = 0\n`).join("");

function mayCall(caller: Caller, helper: string): boolean {
  const args = fittingArgs(helper, caller.type);
  if (args === undefined) return false;
  const source = `r6 = r1\n${ZEROES}${argCode(helper, caller.type, args)}call bpf_${helper}\nout: r0 = 1\nexit`;
  try {
    verify(asProg(caller, source, "call"), { logLevel: 0 });
    return true;
  } catch (error) {
    if (error instanceof BpfError) return false;
    throw error;
  }
}

/** A program array belongs to the type of program that first names it: here all share one. */
const NOT_CALLED: ReadonlySet<string> = new Set(["tail_call"]);

function callableBy(caller: Caller): readonly string[] {
  const known = callable.get(caller);
  if (known !== undefined) return known;
  const names = HELPERS.flatMap((row) =>
    row !== undefined && !NOT_CALLED.has(row.name) && mayCall(caller, row.name) ? [row.name] : [],
  );
  callable.set(caller, names);
  return names;
}

class Contexts {
  readonly lines: string[] = ["r6 = r1", ZEROES.trimEnd(), ...KEPT.map((r) => `r${r} = ${r}`)];
  #labels = 0;

  constructor(
    readonly rng: Rng,
    readonly caller: Caller,
  ) {}

  /** A field's place and a width, now and then beside it. */
  #place(mode: "load" | "store"): { off: number; size: Size } {
    const { rng } = this;
    const fields = CTX_LAYOUTS[this.caller.type]?.fields ?? [];
    const able = fields.filter((f) => (mode === "load" ? f.load : f.store) !== 0);
    if (able.length === 0 || rng.chance(4)) return { off: rng.below(200), size: rng.pick(SIZES) };
    const field = rng.pick(able);
    const mask = mode === "load" ? field.load : field.store;
    const size = rng.pick(SIZES.filter((s) => (mask & s) !== 0));
    const parts = Math.max(1, Math.floor(Math.min(field.size, 64) / size));
    const off = Math.min(field.off, 4096) + (rng.chance(70) ? 0 : size * rng.below(parts));
    return rng.chance(3) ? { off: off + 1, size } : { off, size };
  }

  #label(): string {
    return `l${this.#labels++}`;
  }

  #load(): void {
    const { off, size } = this.#place("load");
    const sign = size < 8 && this.rng.chance(10) ? "s" : "u";
    this.lines.push(`r${this.rng.pick(KEPT)} = *(${sign}${size * 8} *)(r6 +${off})`);
  }

  #store(): void {
    const { off, size } = this.#place("store");
    const value = this.rng.chance(50) ? `r${this.rng.pick(KEPT)}` : `${this.rng.below(4)}`;
    this.lines.push(`*(u${size * 8} *)(r6 +${off}) = ${value}`);
  }

  #number(): void {
    const { rng } = this;
    const width = rng.chance(50) ? "w" : "r";
    const to = rng.pick(KEPT);
    const other = rng.pick(KEPT);
    this.lines.push(
      rng.pick([
        `r${to} = ${rng.imm32()}`,
        `${width}${to} ${rng.pick(ALU.slice(0, 4))} ${width}${other}`,
        `${width}${to} ${rng.pick(ALU)} ${rng.below(31)}`,
      ]),
    );
  }

  #spill(): void {
    const [at, r] = [this.rng.pick(SPILLS), this.rng.pick(KEPT)];
    this.lines.push(`*(u64 *)(r10 ${at}) = r${r}`);
    if (this.rng.chance(70)) this.lines.push(`r${this.rng.pick(KEPT)} = *(u64 *)(r10 ${at})`);
  }

  #branch(): void {
    const { rng } = this;
    const label = this.#label();
    const width = rng.chance(30) ? "w" : "r";
    this.lines.push(`if ${width}${rng.pick(KEPT)} ${rng.pick(JUMPS)} ${rng.below(64)} goto ${label}`);
    this.statement(false);
    this.lines.push(`${label}: r0 = ${rng.below(3)}`);
  }

  /** A packet or a socket, looked into. */
  #pointer(): void {
    const { rng } = this;
    const ways = pointersOf(this.caller.type);
    if (ways.length === 0) return this.#load();
    const size = rng.pick(SIZES);
    this.lines.push(rng.pick(ways).trimEnd());
    const to = rng.pick(KEPT);
    if (rng.chance(30))
      this.lines.push(`r${to} = r0`, `r${to} = *(u${size * 8} *)(r${to} +${4 * rng.below(21)})`);
    else if (rng.chance(20)) this.lines.push(`*(u${size * 8} *)(r0 +${rng.below(40)}) = r${to}`);
    else this.lines.push(`r${to} = *(u${size * 8} *)(r0 +${4 * rng.below(12)})`);
  }

  #call(): void {
    const { rng, caller } = this;
    const names = callableBy(caller);
    if (names.length === 0) return this.#load();
    const helper = rng.pick(names);
    const args = (fittingArgs(helper, caller.type) ?? []).map((name) =>
      rng.chance(4) ? rng.pick(CANDIDATE_NAMES) : name,
    );
    this.lines.push(`${argCode(helper, caller.type, args)}call bpf_${helper}`);
    if (rng.chance(40)) this.lines.push("if r0 == 0 goto out");
    if (rng.chance(30)) this.lines.push(`r${rng.pick(KEPT)} = r0`);
    if (rng.chance(10)) this.lines.push(`r${rng.pick(KEPT)} = *(u32 *)(r0 +${4 * rng.below(5)})`);
  }

  statement(deep: boolean): void {
    const n = this.rng.below(100);
    if (n < 30) this.#load();
    else if (n < 42) this.#store();
    else if (n < 56) this.#number();
    else if (n < 64) this.#spill();
    else if (n < 74) this.#pointer();
    else if (n < 86 || !deep) this.#call();
    else this.#branch();
  }

  finish(): string {
    const { rng } = this;
    const r0 = rng.chance(8) ? `r${rng.pick(KEPT)}` : `${rng.pick(RETURNS)}`;
    return [...this.lines, `out: r0 = ${r0}`, "exit"].join("\n");
  }
}

export const CONTEXT_MAPS = KERNEL_MAPS;

export function randomContextProg(seed: number): Prog {
  const rng = new Rng(seed);
  const caller = rng.pick(CALLERS);
  const contexts = new Contexts(rng, caller);
  for (let left = rng.between(1, 8); left > 0; left--) contexts.statement(true);
  return asProg(caller, contexts.finish(), `context_${seed}`);
}
