// What a comparison of two numbers teaches of them, on the side where it holds and on the other. Which side is walked
// when, and what else a comparison says, is decided elsewhere.
import type { InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { narrowJmpSelf, narrowUndecided, type Pair } from "../scalar/jmp.ts";
import type { Scalar } from "../scalar/scalar.ts";
import { type RegState, scalarReg, sharesNothing, withValue } from "../state/regs.ts";
import type { VerifierState } from "../state/state.ts";

type Jmp = InsnOf<"jmp">;

/** Both numbers on one side; as registers that share nothing they are made once, if at all. */
class Learned {
  private dst: RegState | undefined = undefined;
  private src: RegState | undefined = undefined;
  constructor(private readonly pair: Pair) {}

  asDst(r: RegState): RegState {
    if (!sharesNothing(r)) return withValue(r, this.pair.dst);
    this.dst ??= scalarReg(this.pair.dst);
    return this.dst;
  }

  asSrc(r: RegState): RegState {
    if (!sharesNothing(r)) return withValue(r, this.pair.src);
    this.src ??= scalarReg(this.pair.src);
    return this.src;
  }
}

/** A side that cannot be is undefined. */
export class Sides {
  readonly taken: Learned | undefined;
  readonly fallthrough: Learned | undefined;
  constructor(taken: Pair | undefined, fallthrough: Pair | undefined) {
    this.taken = taken === undefined ? undefined : new Learned(taken);
    this.fallthrough = fallthrough === undefined ? undefined : new Learned(fallthrough);
  }
}

/** A register compared with itself. */
export function isSelf(insn: Jmp): boolean {
  return insn.src.kind === "reg" && insn.src.regno === insn.dst;
}

function sidesOf(env: Env, insn: Jmp, dst: Scalar, src: Scalar): Sides {
  const known = env.sides.get(insn.pc, dst, src);
  if (known !== undefined) return known;
  const { op, width } = insn;
  const found = isSelf(insn) ? narrowJmpSelf(op, width, dst) : narrowUndecided(op, width, dst, src);
  return env.sides.set(insn.pc, dst, src, new Sides(found.taken, found.fallthrough));
}

function learn(insn: Jmp, dst: RegState, src: RegState, st: VerifierState, side: Learned | undefined): void {
  if (side === undefined) return;
  const { regs } = st.cur;
  if (insn.src.kind === "reg") regs[insn.src.regno] = side.asSrc(src);
  regs[insn.dst] = side.asDst(dst);
}

/** `there` is where the jump leads, `here` where it is not taken. */
export function learnNumbers(
  env: Env,
  insn: Jmp,
  dst: RegState,
  src: RegState,
  here: VerifierState,
  there: VerifierState,
): void {
  if (dst.kind !== "scalar" || src.kind !== "scalar") return;
  const sides = sidesOf(env, insn, dst.s, src.s);
  learn(insn, dst, src, there, sides.taken);
  learn(insn, dst, src, here, sides.fallthrough);
}
