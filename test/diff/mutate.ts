// A program with one to three insns changed: another register, number, offset or width, a check or call left out, a
// call of something else, an insn from another place. Insns keep their places and sizes, so what is known of
// functions and lines stays true. The same seed gives the same change. The result need not be valid.
import { slotsOf } from "../../src/isa/decode.ts";
import type { Insn, JmpOp, RegNo, Size } from "../../src/isa/insn.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { Rng } from "../harness/random_builder.ts";

const JMP_OPS: readonly JmpOp[] = [
  "jeq",
  "jgt",
  "jge",
  "jset",
  "jne",
  "jsgt",
  "jsge",
  "jlt",
  "jle",
  "jslt",
  "jsle",
];
const ALU_OPS = ["add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "mod", "xor", "mov", "arsh"] as const;
const SIZES: readonly Size[] = [1, 2, 4, 8];
const REG_FIELDS = ["dst", "base", "src"] as const;

/** Changes the insn at `pc`; undefined where this change does not fit it. */
type Change = (rng: Rng, insn: Insn, insns: readonly (Insn | undefined)[]) => Insn | undefined;

const NOTHING = (pc: number): Insn => ({ kind: "ja", wide: false, pc, target: pc + 1 });

const changeReg: Change = (rng, insn) => {
  const fields = insn as unknown as Record<string, unknown>;
  const field = rng.pick(REG_FIELDS);
  const was = fields[field];
  const regno = rng.below(11) as RegNo;
  if (typeof was === "number") return { ...insn, [field]: regno };
  if (typeof was === "object" && (was as { kind: string }).kind === "reg")
    return { ...insn, [field]: { kind: "reg", regno } };
  return undefined;
};

const near = (rng: Rng, n: number): number => (n + rng.pick([-8, -4, -1, 1, 4, 8, 64])) | 0;

const changeNumber: Change = (rng, insn) => {
  if (insn.kind === "ld_imm64" && insn.value.kind === "imm")
    return { ...insn, value: { kind: "imm", imm: rng.imm64() } };
  if (!("src" in insn) || typeof insn.src !== "object" || insn.src.kind !== "imm") return undefined;
  const imm = rng.chance(60) ? near(rng, insn.src.imm) : rng.imm32();
  return {
    ...insn,
    src: rng.chance(10) ? { kind: "reg", regno: rng.below(10) as RegNo } : { kind: "imm", imm },
  };
};

const changeOff: Change = (rng, insn) => {
  if (!("off" in insn)) return undefined;
  return { ...insn, off: rng.chance(90) ? near(rng, insn.off) : rng.between(-600, 600) };
};

const changeSize: Change = (rng, insn) => {
  if (insn.kind === "ldx") {
    const size = rng.pick(SIZES);
    return { ...insn, size, signed: size < 8 && rng.chance(30) };
  }
  if (insn.kind === "st") return { ...insn, size: rng.pick(SIZES) };
  if (insn.kind === "alu" || insn.kind === "jmp") return { ...insn, width: insn.width === 32 ? 64 : 32 };
  return undefined;
};

const changeOp: Change = (rng, insn) => {
  if (insn.kind === "jmp") return { ...insn, op: rng.pick(JMP_OPS) };
  if (insn.kind === "alu") return { ...insn, op: rng.pick(ALU_OPS), signed: false };
  if (insn.kind === "atomic") return { ...insn, fetch: insn.fetch || rng.chance(50) };
  return undefined;
};

const leaveOut: Change = (_rng, insn) => (slotsOf(insn) === 2 ? undefined : NOTHING(insn.pc));

const changeTarget: Change = (rng, insn, insns) => {
  if (insn.kind !== "jmp" && insn.kind !== "ja" && insn.kind !== "may_goto") return undefined;
  const near = insns.filter((o) => o !== undefined && Math.abs(o.pc - insn.target) < 12);
  const to = near.length === 0 ? undefined : rng.pick(near);
  return to === undefined ? undefined : { ...insn, target: to.pc };
};

/** Another call of the program, map or function in place of this one; any insn of one slot in place of another. */
const copyOther: Change = (rng, insn, insns) => {
  const like = rng.chance(60);
  const others = insns.filter(
    (o): o is Insn =>
      o !== undefined && o !== insn && slotsOf(o) === slotsOf(insn) && (!like || o.kind === insn.kind),
  );
  if (others.length === 0) return undefined;
  return { ...rng.pick(others), pc: insn.pc };
};

const makeMayGoto: Change = (_rng, insn) =>
  insn.kind === "ja" ? { kind: "may_goto", pc: insn.pc, target: insn.target } : undefined;

const CHANGES: readonly Change[] = [
  changeReg,
  changeReg,
  changeNumber,
  changeNumber,
  changeOff,
  changeSize,
  changeOp,
  leaveOut,
  leaveOut,
  changeTarget,
  copyOther,
  copyOther,
  copyOther,
  makeMayGoto,
];

/** Which functions there are is for the insns that name them to say, and for the object's types: both stay. */
function namesFunction(insn: Insn): boolean {
  if (insn.kind === "call") return insn.callee.kind === "subprog";
  return insn.kind === "ld_imm64" && insn.value.kind === "func";
}

export function mutate(prog: Prog, seed: number): Prog {
  const rng = new Rng(seed);
  const insns = prog.insns.slice();
  const starts = insns.filter((insn): insn is Insn => insn !== undefined);
  for (let changes = rng.pick([1, 1, 2, 3]), tries = 0; changes > 0 && tries < 100; tries++) {
    const { pc } = rng.pick(starts);
    if (namesFunction(insns[pc] as Insn)) continue;
    const changed = rng.pick(CHANGES)(rng, insns[pc] as Insn, insns);
    if (changed === undefined) continue;
    insns[pc] = changed;
    changes--;
  }
  return { ...prog, insns };
}
