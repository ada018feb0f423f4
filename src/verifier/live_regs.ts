// Which registers may still be read at each insn, from the insns alone. Pruning need not compare the others.
// Works per subprogram: a call reads its arguments and writes r0..r5.
import { HELPERS } from "../spec/helpers.ts";
import type { Insn } from "../isa/insn.ts";
import { insnSlots } from "./cfg.ts";
import type { Env } from "./env.ts";

const CALLER_SAVED = 0x3f; // r0..r5
const ARGS = 0x3e; // r1..r5

interface UseDef {
  readonly use: number;
  readonly def: number;
}

function bit(regno: number): number {
  return 1 << regno;
}

function callUses(insn: Extract<Insn, { kind: "call" }>): number {
  if (insn.callee.kind !== "helper") return ARGS;
  const args = HELPERS[insn.callee.id]?.proto?.args;
  if (args === undefined) return ARGS;
  let use = 0;
  for (let i = 0; i < args.length; i++) use |= bit(i + 1);
  return use;
}

function useDef(insn: Insn): UseDef {
  switch (insn.kind) {
    case "alu": {
      const src = insn.src.kind === "reg" ? bit(insn.src.regno) : 0;
      return { use: insn.op === "mov" ? src : src | bit(insn.dst), def: bit(insn.dst) };
    }
    case "movsx":
    case "addr_space_cast":
      return { use: bit(insn.src), def: bit(insn.dst) };
    case "neg":
    case "end":
      return { use: bit(insn.dst), def: bit(insn.dst) };
    case "ld_imm64":
      return { use: 0, def: bit(insn.dst) };
    case "ldx":
    case "load_acquire":
      return { use: bit(insn.base), def: bit(insn.dst) };
    case "ld_abs":
      return { use: bit(6), def: CALLER_SAVED };
    case "ld_ind":
      return { use: bit(6) | bit(insn.src), def: CALLER_SAVED };
    case "st":
      return { use: bit(insn.base) | (insn.src.kind === "reg" ? bit(insn.src.regno) : 0), def: 0 };
    case "store_release":
      return { use: bit(insn.base) | bit(insn.src), def: 0 };
    case "atomic":
      if (insn.op === "cmpxchg") return { use: bit(0) | bit(insn.base) | bit(insn.src), def: bit(0) };
      return { use: bit(insn.base) | bit(insn.src), def: insn.fetch ? bit(insn.src) : 0 };
    case "jmp":
      return { use: bit(insn.dst) | (insn.src.kind === "reg" ? bit(insn.src.regno) : 0), def: 0 };
    case "call":
      return { use: callUses(insn), def: CALLER_SAVED };
    case "exit":
      return { use: bit(0), def: 0 };
    case "ja":
    case "may_goto":
    case "invalid":
      return { use: 0, def: 0 };
  }
}

function successors(insn: Insn): number[] {
  if (insn.kind === "exit") return [];
  if (insn.kind === "ja") return [insn.target];
  const next = insn.pc + insnSlots(insn);
  return insn.kind === "jmp" || insn.kind === "may_goto" ? [next, insn.target] : [next];
}

/** Fills env.liveRegs: backwards to a fixed point. */
export function computeLiveRegs(env: Env): void {
  const rows = env.insns.flatMap((insn) =>
    insn === undefined ? [] : [{ pc: insn.pc, ...useDef(insn), next: successors(insn) }],
  );
  const live = env.liveRegs;
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i] as (typeof rows)[number];
      let out = 0;
      for (const pc of row.next) out |= live[pc] ?? 0;
      const now = (out & ~row.def) | row.use;
      if (now !== live[row.pc]) {
        live[row.pc] = now;
        changed = true;
      }
    }
  }
}
