// Ten bugs to plant, five in the verifier and five in the JIT: what stands in the file, and what is put in its place.
// Data only. Each is a mistake that could be made, leaves everything compiling, and must be found by random programs.

export interface PlantedBug {
  readonly name: string;
  readonly where: "verifier" | "jit";
  readonly what: string;
  readonly file: string;
  /** occurs exactly once in the file */
  readonly find: string;
  readonly replace: string;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "pkt-range",
    where: "verifier",
    what: "a bounds check proves one byte more than it compared",
    file: "src/verifier/insns/branch.ts",
    find: "const range = open ? ptr.off + 1 : ptr.off;",
    replace: "const range = open ? ptr.off + 1 : ptr.off + 1;",
  },
  {
    name: "null-check",
    where: "verifier",
    what: "a pointer counts as checked on both sides of a comparison with null",
    file: "src/verifier/insns/branch.ts",
    find: "return isNull ? ZERO : notNull(env, r);",
    replace: "return isNull && r.id < 0 ? ZERO : notNull(env, r);",
  },
  {
    name: "jge-narrowing",
    where: "verifier",
    what: "where >= holds, > is believed",
    file: "src/verifier/scalar/jmp.ts",
    find: 'jge:  { taken: swapped("ule")',
    replace: 'jge:  { taken: swapped("ult")',
  },
  {
    name: "zero-extension",
    where: "verifier",
    what: "32-bit arithmetic keeps what was known of the upper half",
    file: "src/verifier/scalar/alu.ts",
    find: "if (width === 32) zext(d);",
    replace: "if (width === 32 && d.s32min >= 0) zext(d);",
  },
  {
    name: "pruned-spill",
    where: "verifier",
    what: "states are taken as equal whatever was spilled to the stack",
    file: "src/verifier/prune/states_equal.ts",
    find: "if (!stackSafe(was, frame, ids, mode)) return false;",
    replace: "",
  },
  {
    name: "upper-half",
    where: "jit",
    what: "32-bit results are sign-extended",
    file: "jit/lower/fn.ts",
    find: "this.set(regno, this.m.i64.extend_u(value));",
    replace: "this.set(regno, this.m.i64.extend_s(value));",
  },
  {
    name: "signed-compare",
    where: "jit",
    what: "s< compares the wrong way round",
    file: "jit/lower/jump.ts",
    find: "jslt: { holds: (int, l, r) => int.lt_s(l, r)",
    replace: "jslt: { holds: (int, l, r) => int.lt_s(r, l)",
  },
  {
    name: "be16",
    where: "jit",
    what: "be16 leaves the bytes as they are",
    file: "jit/lower/alu.ts",
    find: 'if (insn.to === "le") {',
    replace: 'if (insn.to === "le" || (insn.to === "be" && bits === 16)) {',
  },
  {
    name: "stale-slot",
    where: "jit",
    what: "stack slots that overlap others become locals",
    file: "jit/lower/stack.ts",
    find: "if (off >= end && off + size <= next && !spoiled.has(off))",
    replace: "if (off >= end && off < next && !spoiled.has(off))",
  },
  {
    name: "helper-argument",
    where: "jit",
    what: "flags of map_update_elem get lost",
    file: "jit/lower/call.ts",
    find: "fn.get32(3), fn.get(4), fn.cpu()",
    replace: "fn.get32(3), fn.imm64(0), fn.cpu()",
  },
];
