// What the verifier claimed at each insn, and whether a run stays within: for every step there must be one recorded
// state that holds of all registers and stack slots at once, whatever path led to it.
import type { Frame } from "../../runtime/engine/interp_insn.ts";
import type { Insn } from "../../src/isa/insn.ts";
import type { ClaimRecorder } from "../../src/verifier/options.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { type Claim, ClaimError, type ClaimReading, Seen, showClaim, showSeen } from "./claim_reading.ts";

/** Most insns leave the stack as it is. */
function isSame(a: Claim["stack"], b: Claim["stack"]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** States kept of one program, if nothing else is said. */
export const MAX_CLAIMS = 5_000;

/** More states than can be kept. */
export class TooManyClaims extends Error {
  override readonly name = "TooManyClaims";
}

/** Every state that verification passed through, by insn. */
export class Claims {
  readonly #at = new Map<number, Claim[]>();
  #stack: Claim["stack"] = [];
  count = 0;

  constructor(readonly max: number = MAX_CLAIMS) {}

  readonly record: ClaimRecorder = (pc, regs, stack) => {
    if (!isSame(this.#stack, stack)) this.#stack = stack.slice();
    const claim = { regs: regs.slice(), stack: this.#stack };
    const list = this.#at.get(pc);
    if (list === undefined) this.#at.set(pc, [claim]);
    else list.push(claim);
    if (++this.count > this.max) throw new TooManyClaims(`more than ${this.max} states`);
  };

  at(pc: number): readonly Claim[] {
    return this.#at.get(pc) ?? [];
  }
}

export class ClaimChecker {
  /** frame pointers from outermost to innermost */
  readonly #fps: bigint[] = [];
  /** by depth: where the verifier's frames begin, which walks global functions by themselves */
  readonly #bases: number[] = [];
  readonly #globals: ReadonlySet<number>;
  readonly #hint = new Map<number, number>();
  #seen: Seen | undefined;

  constructor(
    readonly claims: Claims,
    readonly verified: VerifiedProg,
    readonly reading: ClaimReading,
  ) {
    this.#globals = new Set(
      verified.prog.subprogs.flatMap(({ pc, global }) =>
        global ? verified.subprogs.findIndex(({ start }) => start === pc) : [],
      ),
    );
  }

  /** Before an insn: throws ClaimError if no state of the verifier holds. */
  onStep(insn: Insn, frame: Frame): void {
    if (frame !== this.#seen?.frame) this.#seen = new Seen(frame);
    const seen = this.#seen;
    this.#fps[frame.depth] = frame.regs[10] ?? 0n;
    const alone = frame.depth === 0 || this.#globals.has(frame.subprogno);
    const base = alone ? frame.depth : (this.#bases[frame.depth - 1] as number);
    this.#bases[frame.depth] = base;
    this.reading.fps = this.#fps;
    this.reading.base = base;
    const claims = this.claims.at(insn.pc);
    const start = this.#hint.get(insn.pc) ?? 0;
    for (let i = 0; i < claims.length; i++) {
      const at = (start + i) % claims.length;
      this.reading.restart();
      if (this.reading.holds(claims[at] as Claim, seen)) {
        if (at !== start) this.#hint.set(insn.pc, at);
        return;
      }
    }
    throw new ClaimError("claims", insn.pc, this.#explain(insn.pc, claims, seen));
  }

  #explain(pc: number, claims: readonly Claim[], seen: Seen): string {
    const last = claims.at(-1);
    if (last === undefined) return "the verifier never came here";
    const bad = this.reading.failing(last, seen);
    const shown = claims
      .slice(-6)
      .map((claim) => `  claimed: ${showClaim(claim, this.verified, seen.frame)}`);
    return (
      `no claim of ${claims.length} at ${pc} holds; of the last one ${bad.join(", ") || "nothing alone"} does not\n` +
      `  is:      ${showSeen(seen)}\n${shown.join("\n")}`
    );
  }
}
