// Plausible random XDP programs, from a seed: packet parsing with bounds checks, map values, arithmetic of every kind,
// branches, bounded loops, spills, atomics, helpers, subprograms. Most are accepted by a verifier; now and then a
// check is left out on purpose. The same seed gives the same program.
import { missingForMap } from "../../src/spec/privileges.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import {
  makeCtxLoad,
  makeGamble,
  makeGlobal,
  makeLookup,
  makePacket,
  makePacketAccess,
  makePacketAdvance,
  makeMeta,
  makePacketLength,
  makePacketLoop,
  makeStackAtomic,
  makeValueAccess,
} from "./random_access.ts";
import {
  makeAdjust,
  makeBytes,
  makeCallbackLoop,
  makeContextCall,
  makeCsum,
  makeNumber,
  makeRedirect,
  makeSubprogCall,
  makeUpdate,
} from "./random_calls.ts";
import {
  CTX,
  Gen,
  GLOBALS,
  PKT_ARG,
  type Planned,
  RANDOM_MAPS,
  VALUE_ARG,
  reg,
  type Statement,
} from "./random_gen.ts";
import {
  makeAlu,
  makeBranch,
  makeConstant,
  makeLoop,
  makeStackIndex,
  makeStackLoad,
  makeStackStore,
  makeUnary,
} from "./random_scalar.ts";
import { SCALAR, State } from "./random_state.ts";

export { RANDOM_MAPS } from "./random_gen.ts";

export interface RandomProg {
  readonly seed: number;
  readonly prog: Prog;
  /** how often each insn kind (`insn:alu`), helper (`helper:redirect`) and feature (`loop`, `pkt_load`, …) occurs */
  readonly features: ReadonlyMap<string, number>;
}

export interface RandomOptions {
  /** false: nothing is called but subprograms, and no map is used but a global one; default true */
  readonly helpers?: boolean;
  /** statements at the top of the program; default 3 to 16 */
  readonly statements?: number;
  /** socket_filter: of what a process without capabilities may do; default xdp */
  readonly type?: "xdp" | "socket_filter";
}

/** A process without capabilities may create these. */
const FILTER_MAPS: readonly MapDef[] = RANDOM_MAPS.map((m) =>
  missingForMap(m.type, []) === undefined ? m : { ...m, type: "hash" },
);

/** No packets, no functions, nothing that jumps back. */
const FILTER_STATEMENTS: readonly Statement[] = [
  [16, makeAlu],
  [4, makeUnary],
  [4, makeConstant],
  [9, makeStackStore],
  [9, makeStackLoad],
  [1, makeStackIndex],
  [3, makeStackAtomic],
  [12, makeBranch],
  [3, makeCtxLoad],
  [6, makeGlobal],
  [12, makeValueAccess],
  [6, makeGamble],
  [8, makeLookup],
  [3, makeNumber],
  [4, makeUpdate],
  [1, makeContextCall],
];

const STATEMENTS: readonly Statement[] = [
  [24, makeAlu],
  [8, makeUnary],
  [3, makeConstant],
  [9, makeStackStore],
  [9, makeStackLoad],
  [3, makeStackIndex],
  [3, makeStackAtomic],
  [12, makeBranch],
  [5, makeLoop],
  [3, makeCtxLoad],
  [8, makePacket],
  [8, makePacketAccess],
  [7, makePacketAdvance],
  [2, makePacketLength],
  [3, makePacketLoop],
  [4, makeGlobal],
  [8, makeValueAccess],
  [3, makeGamble],
  [6, makeSubprogCall],
];

/** Those that call a helper. */
const HELPER_STATEMENTS: readonly Statement[] = [
  [8, makeLookup],
  [4, makeNumber],
  [4, makeUpdate],
  [2, makeCsum],
  [2, makeAdjust],
  [3, makeBytes],
  [2, makeRedirect],
  [3, makeContextCall],
  [2, makeMeta],
  [1, makeCallbackLoop],
];

const ENTRY: Readonly<Record<Planned["takes"], (g: Gen) => void>> = {
  scalars: (g) => g.st.set(1, SCALAR),
  memory: (g) => g.st.set(1, { t: "value", map: GLOBALS, size: 16 }),
  packet: (g) => {
    g.st.set(1, { t: "pkt", range: PKT_ARG });
    g.st.set(2, { t: "end" });
  },
  value: (g) => g.st.set(1, { t: "value", map: GLOBALS, size: VALUE_ARG }),
  // its index and a pointer to the caller's stack
  callback: (g) => {
    g.st.set(1, SCALAR);
    g.mov(7, reg(2));
    g.st.set(7, { t: "value", map: GLOBALS, size: 16 });
  },
  ctx: (g) => {
    g.st.set(1, { t: "ctx" });
    g.mov(CTX, reg(1));
  },
};

function makeFunction(g: Gen, plan: Planned, statements: number): void {
  g.b.startFunction();
  g.st = new State();
  g.level = plan.level;
  g.branches = plan.level === 0 ? 0 : 10;
  g.locked = new Set(plan.takes === "ctx" ? [CTX] : []);
  ENTRY[plan.takes](g);
  if (plan.level > 0 && g.st.get(2).t === "none" && plan.takes !== "callback") g.st.set(2, SCALAR);
  if (plan.takes === "callback") g.locked.add(7);
  g.body(statements);
  if (plan.takes === "callback") g.stop();
  else g.exit();
}

/** The program of a seed. It need not be valid. */
export function randomProg(seed: number, options: RandomOptions = {}): RandomProg {
  const type = options.type ?? "xdp";
  const xdp = options.helpers === false ? STATEMENTS : [...STATEMENTS, ...HELPER_STATEMENTS];
  const g = new Gen(seed, type === "xdp" ? xdp : FILTER_STATEMENTS);
  makeFunction(g, { takes: "ctx", level: 0 }, options.statements ?? g.rng.between(3, 16));
  for (let i = 0; i < g.planned.length; i++) {
    const plan = g.planned[i];
    if (plan !== undefined) makeFunction(g, plan, g.rng.between(1, 5));
  }
  const prog: Prog = {
    name: `random_${seed}`,
    type,
    flags: [],
    gplCompatible: true,
    insns: g.b.finish(),
    maps: type === "xdp" ? RANDOM_MAPS : FILTER_MAPS,
    subprogs: g.b.functions.map((pc, i) => ({
      name: i === 0 ? `random_${seed}` : `sub_${i}`,
      pc,
      global: false,
    })),
    lines: [],
    funcs: g.b.functions.map((pc) => ({ pc, typeId: 0 })),
  };
  return { seed, prog, features: g.b.kinds };
}
