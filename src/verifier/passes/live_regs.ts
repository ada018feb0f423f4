// Which registers may still be read at each insn, from the insns alone. Pruning need not compare the others.
// Works per subprogram: a call reads its arguments and writes r0..r5.
import type { Insn, InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { NOWHERE } from "./flow.ts";
import { helperOf } from "../state/privileges.ts";

const CALLER_SAVED = 0x3f; // r0..r5
const ARGS = 0x3e; // r1..r5
const ALL = 0x3ff; // r0..r9

interface UseDef {
  readonly use: number;
  readonly def: number;
}

function bit(regno: number): number {
  return 1 << regno;
}

/** How many arguments are looked at; undefined: that is not known. */
function argCount(env: Env, { callee }: InsnOf<"call">): number | undefined {
  if (callee.kind === "helper") {
    const args = helperOf(env, callee.id)?.args;
    const looked = args?.filter((arg) => arg !== "dontcare");
    if (looked?.length !== args?.length) env.unseenArgs = true;
    return looked?.length;
  }
  return callee.kind === "kfunc" ? env.kfuncs.get(callee.btfId)?.params.length : undefined;
}

function callUses(env: Env, insn: InsnOf<"call">): number {
  const count = argCount(env, insn);
  return count === undefined ? ARGS : (1 << (count + 1)) - 2;
}

function useDef(env: Env, insn: Insn): UseDef {
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
    case "ld_ind":
      return { use: ALL, def: CALLER_SAVED }; // as the kernel has it: these are too rare to tell more
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
      return { use: callUses(env, insn), def: CALLER_SAVED };
    case "exit":
      return { use: bit(0), def: 0 };
    case "ja":
    case "may_goto":
    case "invalid":
      return { use: 0, def: 0 };
  }
}

/** Insns before each insn, as one flat list: those of pc lie from start[pc] to start[pc + 1]. */
function predecessors(env: Env): { readonly start: Int32Array; readonly list: Int32Array } {
  const n = env.insns.length;
  const ways = [env.flow.next, env.flow.target];
  const start = new Int32Array(n + 1);
  for (const way of ways)
    for (let pc = 0; pc < n; pc++) {
      const to = way[pc] as number;
      if (to !== NOWHERE) start[to + 1] = (start[to + 1] as number) + 1;
    }
  for (let pc = 0; pc < n; pc++) start[pc + 1] = (start[pc + 1] as number) + (start[pc] as number);
  const at = start.slice();
  const list = new Int32Array(start[n] as number);
  for (const way of ways)
    for (let pc = 0; pc < n; pc++) {
      const to = way[pc] as number;
      if (to === NOWHERE) continue;
      list[at[to] as number] = pc;
      at[to] = (at[to] as number) + 1;
    }
  return { start, list };
}

/** Fills env.liveRegs: each change goes back to the insns before it, so the work is bounded by registers times insns. */
export function computeLiveRegs(env: Env): void {
  const n = env.insns.length;
  const use = new Uint16Array(n);
  const keep = new Uint16Array(n);
  const todo: number[] = [];
  for (const insn of env.insns) {
    if (insn === undefined) continue;
    const row = useDef(env, insn);
    use[insn.pc] = row.use;
    keep[insn.pc] = ~row.def;
    env.liveRegs[insn.pc] = row.use;
    if (row.use !== 0) todo.push(insn.pc);
  }
  const { start, list } = predecessors(env);
  const live = env.liveRegs;
  for (let pc = todo.pop(); pc !== undefined; pc = todo.pop()) {
    for (let i = start[pc] as number; i < (start[pc + 1] as number); i++) {
      const from = list[i] as number;
      const was = live[from] as number;
      const now = was | ((live[pc] as number) & (keep[from] as number));
      if (now === was) continue;
      live[from] = now;
      todo.push(from);
    }
  }
}
