// Spills and fills around calls that keep the argument registers (bpf_fastcall). Where the kernel writes such a call
// out in line it drops them, and a subprogram's stack counts as that much smaller. Whether it would is decided here;
// the insns stay as they are. A program that touches those slots in any other way keeps its stack.
import type { Insn, InsnOf } from "../../isa/insn.ts";
import { helperProto } from "../../spec/helpers.ts";
import type { Env } from "../env.ts";
import type { Subprog } from "./subprogs.ts";
import type { Frame } from "../state/state.ts";

/** Calls that the kernel writes out in line on x86. */
const INLINED_HELPERS: ReadonlySet<string> = new Set(["get_smp_processor_id"]);
const INLINED_KFUNCS: ReadonlySet<string> = new Set(["bpf_cast_to_kern_ctx", "bpf_rdonly_cast"]);

const CALLER_SAVED = 0x3f; // r0..r5
const CALLER_SAVED_COUNT = 6;
/** lower than any offset: something else uses the slots */
const NONE = -0x8000;

interface Callee {
  /** registers it leaves unknown */
  readonly clobbers: number;
  readonly inlined: boolean;
}

function calleeOf(env: Env, insn: InsnOf<"call">): Callee | undefined {
  const { callee } = insn;
  if (callee.kind === "helper") {
    const proto = helperProto(callee.id, env.prog.type, env.prog.expectedAttachType);
    if (proto === undefined) return undefined;
    let clobbers = proto.ret === "void" ? 0 : 1;
    proto.args.forEach((arg, i) => {
      if (arg !== "dontcare") clobbers |= 2 << i;
    });
    return { clobbers, inlined: INLINED_HELPERS.has(proto.name) };
  }
  const kfunc = callee.kind === "kfunc" ? env.kfuncs.get(callee.btfId) : undefined;
  if (kfunc === undefined) return undefined;
  const returns = kfunc.btf.resolve(kfunc.retTypeId).kind !== "void";
  const args = ((1 << kfunc.params.length) - 1) << 1;
  return { clobbers: (returns ? 1 : 0) | args, inlined: INLINED_KFUNCS.has(kfunc.name) };
}

/** The register that is spilled at `off`, -1 if the insn is no such spill. */
function spilled(insn: Insn | undefined, off: number): number {
  const fits = insn?.kind === "st" && insn.size === 8 && insn.base === 10 && insn.off === off;
  return fits && insn.src.kind === "reg" ? insn.src.regno : -1;
}

function filled(insn: Insn | undefined, off: number): number {
  const fits =
    insn?.kind === "ldx" && insn.size === 8 && insn.base === 10 && insn.off === off && !insn.signed;
  return fits ? insn.dst : -1;
}

function markCall(
  env: Env,
  sub: Subprog,
  call: InsnOf<"call">,
  lowest: number,
  targets: ReadonlySet<number>,
): void {
  const callee = calleeOf(env, call);
  if (callee === undefined || callee.clobbers === CALLER_SAVED) return;
  let expected = ~callee.clobbers & CALLER_SAVED;
  let off = lowest;
  let pairs = 0;
  for (let i = 1; i <= CALLER_SAVED_COUNT; i++, off += 8) {
    const before = call.pc - i;
    const after = call.pc + i;
    if (targets.has(before + 1) || targets.has(after)) break;
    const regno = spilled(env.insns[before], off);
    if (regno < 0 || filled(env.insns[after], off) !== regno || (expected & (1 << regno)) === 0) break;
    expected &= ~(1 << regno);
    env.fastcall[before] = 1;
    env.fastcall[after] = 1;
    pairs++;
  }
  if (pairs === 0) return;
  if (callee.inlined) sub.dropsSpills = true;
  else sub.keepsSpills = true;
  sub.fastcallOff = Math.min(sub.fastcallOff, off);
}

function lowestSpill(env: Env, sub: Subprog): number {
  let lowest = 0;
  for (let pc = sub.start; pc < sub.end; pc++) {
    const insn = env.insns[pc];
    if (insn?.kind === "st" && insn.size === 8 && insn.base === 10 && insn.src.kind === "reg")
      lowest = Math.min(lowest, insn.off);
  }
  return lowest;
}

/** Where jumps, other than from the insn before, lead. */
function jumpTargets(env: Env): ReadonlySet<number> {
  const targets = new Set<number>();
  for (const insn of env.insns)
    if (insn?.kind === "jmp" || insn?.kind === "ja" || insn?.kind === "may_goto") targets.add(insn.target);
  return targets;
}

/** Finds the patterns, before any path is walked. */
export function markFastcalls(env: Env): void {
  const targets = jumpTargets(env);
  for (const sub of env.subprogs) {
    const lowest = lowestSpill(env, sub);
    for (let pc = sub.start; pc < sub.end; pc++) {
      const insn = env.insns[pc];
      if (insn?.kind === "call") markCall(env, sub, insn, lowest, targets);
    }
  }
}

/** The current insn loads or stores at `off` of the frame's stack. */
export function stepFastcallSlot(env: Env, frame: Frame, off: number): void {
  const sub = env.subprogs[frame.subprogno] as Subprog;
  if (sub.fastcallOff <= off || env.fastcall[env.pc] === 1) return;
  sub.fastcallOff = NONE;
  sub.dropsSpills = false;
  env.fastcall.fill(0, sub.start, sub.end);
}

/** How much stack the subprogram has in the kernel. */
export function countedDepth(sub: Subprog): number {
  return sub.dropsSpills && !sub.keepsSpills ? -sub.fastcallOff : sub.stackDepth;
}
