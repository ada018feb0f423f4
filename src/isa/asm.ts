// Assembler of the kernel log's spelling: what disasm.ts prints, plus labels. A statement a line; `;` or `//` starts
// a comment, as does `#` at a line's start or after a space and before one; a leading `12: (b7) ` is skipped, so that
// lines of a log can be pasted. `r1 = 5 ll` loads 64 bits, `r1 = 5` is a mov. Knows maps and helpers by callback only.
import { BpfError } from "../spec/errors.ts";
import { decodeInsns } from "./decode.ts";
import { encodeInsn, encodeRaw } from "./encode.ts";
import type { AluOp, AtomicOp, Imm64, Insn, JmpOp, Operand, RawInsn, RegNo, Size, Width } from "./insn.ts";
import { ALU_OPS, JMP_OPS, rowsOf, SIZES } from "./opcode.ts";

export interface AssembleOpts {
  /** id of `bpf_map_lookup_elem` in `call bpf_map_lookup_elem` */
  readonly helperId?: (name: string) => number | undefined;
  /** index of the map named in `map[name]`; numbers are taken as they are */
  readonly mapIndex?: (name: string) => number | undefined;
}

type WithoutPc<T> = T extends unknown ? Omit<T, "pc"> : never;
type Body = WithoutPc<Insn>;
/** What a statement becomes once labels are known. */
type Make = (at: Place) => Body | RawInsn;
interface Place {
  readonly pc: number;
  readonly target: (text: string) => number;
}
type Match = readonly (string | undefined)[];
type Rule = readonly [RegExp, (m: Match, opts: AssembleOpts) => Make];

const ALU_BY_SYM = new Map<string, { op: AluOp; signed: boolean }>(
  rowsOf(ALU_OPS).flatMap(([op, { sym, signed }]) => [
    [sym, { op, signed: false }] as const,
    ...(signed === undefined ? [] : [[signed, { op, signed: true }] as const]),
  ]),
);
const JMP_BY_SYM = new Map<string, JmpOp>(rowsOf(JMP_OPS).map(([op, { sym }]) => [sym, op]));
const SIZE_BY_TYPE = new Map<string, { size: Size; signed: boolean }>(
  ([1, 2, 4, 8] as const).flatMap((size) => [
    [SIZES[size].unsigned, { size, signed: false }] as const,
    [SIZES[size].signed, { size, signed: true }] as const,
  ]),
);

function bad(message: string): BpfError {
  return new BpfError("EINVAL", message);
}

function text(m: Match, group: number): string {
  const s = m[group];
  if (s === undefined) throw new Error(`rule has no group ${group}`);
  return s;
}

function integer(s: string): bigint {
  const t = s.replace(/[\s_]/g, "");
  if (!/^[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(t)) throw bad(`not a number: ${s}`);
  const negative = t.startsWith("-");
  const magnitude = BigInt(t.replace(/^[+-]/, ""));
  return negative ? -magnitude : magnitude;
}

/** 32 bits, given as signed or as unsigned pattern. */
function imm32(s: string): number {
  const n = integer(s);
  if (n < -(2n ** 31n) || n >= 2n ** 32n) throw bad(`immediate ${s} does not fit in 32 bits`);
  return Number(BigInt.asIntN(32, n));
}

function off16(s: string | undefined): number {
  if (s === undefined) return 0;
  const n = integer(s);
  if (n < -32768n || n > 32767n) throw bad(`offset ${s} does not fit in 16 bits`);
  return Number(n);
}

function unsigned32(s: string): number {
  const n = integer(s);
  if (n < 0n || n >= 2n ** 32n) throw bad(`${s} does not fit in 32 bits`);
  return Number(n);
}

interface Register {
  readonly regno: RegNo;
  readonly width: Width;
}

function register(s: string): Register {
  const regno = Number(s.slice(1));
  if (!/^[rw]\d+$/.test(s) || regno > 10) throw bad(`no register ${s}`);
  return { regno: regno as RegNo, width: s[0] === "w" ? 32 : 64 };
}

function reg64(s: string): RegNo {
  const r = register(s);
  if (r.width !== 64) throw bad(`${s} where a 64-bit register is needed`);
  return r.regno;
}

/** Register of the same width as `dst`, or an immediate. */
function operand(s: string, width: Width): Operand {
  if (!/^[rw]\d/.test(s)) return { kind: "imm", imm: imm32(s) };
  const r = register(s);
  if (r.width !== width) throw bad(`${s} where a ${width}-bit operand is needed`);
  return { kind: "reg", regno: r.regno };
}

function typeOf(s: string, signedAllowed: "signed" | "unsigned"): { size: Size; signed: boolean } {
  const t = SIZE_BY_TYPE.get(s);
  if (t === undefined || (t.signed && (signedAllowed === "unsigned" || t.size === 8)))
    throw bad(`no such access type ${s}`);
  return t;
}

function narrowType(s: string): 1 | 2 | 4 {
  const { size } = typeOf(s, "unsigned");
  if (size === 8) throw bad(`no such access type ${s}`);
  return size;
}

function atomicSize(s: string): 4 | 8 {
  const { size } = typeOf(s, "unsigned");
  if (size < 4) throw bad(`atomics are u32 or u64, not ${s}`);
  return size === 4 ? 4 : 8;
}

function mapIndex(name: string, opts: AssembleOpts): number {
  const map = opts.mapIndex?.(name) ?? (/^-?\d+$/.test(name) ? imm32(name) : undefined);
  if (map === undefined) throw bad(`no map named ${name}`);
  return map;
}

function callee(name: string, id: string | undefined, opts: AssembleOpts): Make {
  if (id !== undefined) return () => ({ kind: "call", callee: { kind: "helper", id: imm32(id) } });
  if (/^\d+$/.test(name)) return () => ({ kind: "call", callee: { kind: "helper", id: imm32(name) } });
  const helper = opts.helperId?.(name);
  if (helper !== undefined) return () => ({ kind: "call", callee: { kind: "helper", id: helper } });
  return ({ target }) => ({ kind: "call", callee: { kind: "subprog", target: target(name) } });
}

function rawOf(s: string): RawInsn {
  const n = integer(s);
  if (n < 0n || n >= 2n ** 64n) throw bad(`${s} does not fit in 64 bits`);
  const bytes = (from: bigint, bits: number): number => Number(BigInt.asUintN(bits, n >> from));
  const regs = bytes(8n, 8);
  return {
    code: bytes(0n, 8),
    dst: regs & 15,
    src: regs >> 4,
    off: (bytes(16n, 16) << 16) >> 16,
    imm: bytes(32n, 32) | 0,
  };
}

const R = "([rw]\\d+)";
const N = "([+-]?\\s*\\w+)";
const OFF = "([+-]\\s*\\w+)?";
const MEM = `\\(\\s*(\\w+)\\s*\\*\\s*\\)\\s*\\(\\s*${R}\\s*${OFF}\\s*\\)`; // type, base, offset
const LABEL = "([A-Za-z_.][\\w.]*(?:\\s*[+-]\\s*\\d+)?|[+-]\\d+)"; // out, pc+3, +3
const rule = (pattern: string, make: Rule[1]): Rule => [new RegExp(`^${pattern}$`), make];

const load64 = (m: Match, value: (at: Place) => Imm64): Make => {
  const dst = reg64(text(m, 1));
  return (at) => ({ kind: "ld_imm64", dst, value: value(at) });
};

function fetchRule(pattern: string, op: (m: Match) => AtomicOp): Rule {
  return rule(
    `${R}\\s*=\\s*atomic(?:64)?_${pattern}\\(\\s*${MEM}\\s*,\\s*(?:(r0)\\s*,\\s*)?${R}\\s*\\)`,
    (m) => {
      const groups = m.length - 5; // type, base, off, r0, src are the last five
      const [type, base, src] = [text(m, groups), text(m, groups + 1), text(m, groups + 4)];
      const atomic = op(m);
      const returns = atomic === "cmpxchg" ? "r0" : src;
      if (text(m, 1) !== returns || (m[groups + 3] === "r0") !== (atomic === "cmpxchg"))
        throw bad(`${atomic} returns in ${returns}`);
      const body = {
        kind: "atomic",
        op: atomic,
        fetch: true,
        base: reg64(base),
        off: off16(m[groups + 2]),
      } as const;
      return () => ({ ...body, size: atomicSize(type), src: reg64(src) });
    },
  );
}

/** Insns of two slots. */
const LOAD64_RULES: readonly Rule[] = [
  rule(`${R}\\s*=\\s*map_fd\\[(-?\\w+)\\]\\s+ll`, (m) =>
    load64(m, () => ({ kind: "map_fd", fd: imm32(text(m, 2)) })),
  ),
  rule(`${R}\\s*=\\s*map_fd\\[(-?\\w+)\\]\\[0\\]\\s*\\+\\s*(\\w+)\\s+ll`, (m) =>
    load64(m, () => ({ kind: "map_value_fd", fd: imm32(text(m, 2)), off: unsigned32(text(m, 3)) })),
  ),
  rule(`${R}\\s*=\\s*map\\[([^\\]]+)\\](?:\\s+ll)?`, (m, opts) =>
    load64(m, () => ({ kind: "map", map: mapIndex(text(m, 2), opts) })),
  ),
  rule(`${R}\\s*=\\s*map\\[([^\\]]+)\\]\\[0\\]\\s*\\+\\s*(\\w+)(?:\\s+ll)?`, (m, opts) =>
    load64(m, () => ({ kind: "map_value", map: mapIndex(text(m, 2), opts), off: unsigned32(text(m, 3)) })),
  ),
  rule(`${R}\\s*=\\s*btf_id\\[(-?\\w+)\\]\\s+fd\\s+(-?\\w+)\\s+ll`, (m) =>
    load64(m, () => ({ kind: "btf_id", btfId: imm32(text(m, 2)), btfFd: imm32(text(m, 3)) })),
  ),
  rule(`${R}\\s*=\\s*func\\s+${LABEL}\\s+ll`, (m) =>
    load64(m, ({ target }) => ({ kind: "func", target: target(text(m, 2)) })),
  ),
  rule(`${R}\\s*=\\s*${N}\\s+ll`, (m) => {
    const n = integer(text(m, 2));
    if (n < -(2n ** 63n) || n >= 2n ** 64n) throw bad(`immediate ${m[2]} does not fit in 64 bits`);
    return load64(m, () => ({ kind: "imm", imm: BigInt.asUintN(64, n) }));
  }),
];

/** The first rule that matches makes the insn; so the narrower ones stand first. */
const RULES: readonly Rule[] = [
  rule("exit", () => () => ({ kind: "exit" })),
  rule("\\.raw\\s+(\\w+)", (m) => () => rawOf(text(m, 1))),
  rule(`goto\\s+${LABEL}`, (m) => ({ target }) => ({ kind: "ja", wide: false, target: target(text(m, 1)) })),
  rule(`gotol\\s+${LABEL}`, (m) => ({ target }) => ({ kind: "ja", wide: true, target: target(text(m, 1)) })),
  rule(`may_goto\\s+${LABEL}`, (m) => ({ target }) => ({ kind: "may_goto", target: target(text(m, 1)) })),
  rule(`if\\s+${R}\\s*(s?[<>]=?|==|!=|&)\\s*${N}\\s+goto\\s+${LABEL}`, (m) => {
    const { regno: dst, width } = register(text(m, 1));
    const op = JMP_BY_SYM.get(text(m, 2));
    if (op === undefined) throw bad(`no comparison ${m[2]}`);
    const src = operand(text(m, 3), width);
    return ({ target }) => ({ kind: "jmp", op, width, dst, src, target: target(text(m, 4)) });
  }),
  rule("call\\s+kfunc#(-?\\d+)(?:\\s+off\\s+(-?\\d+))?", (m) => () => ({
    kind: "call",
    callee: { kind: "kfunc", btfId: imm32(text(m, 1)), off: off16(m[2]) },
  })),
  rule("call\\s+(\\w+)#(-?\\d+)", (m, opts) => callee(text(m, 1), m[2], opts)),
  rule(`call\\s+(\\d+|${LABEL})`, (m, opts) => callee(text(m, 1), undefined, opts)),
  rule(`lock\\s*\\*\\s*${MEM}\\s*(\\+=|\\|=|&=|\\^=)\\s*${R}`, (m) => {
    const op = ALU_BY_SYM.get(text(m, 4))?.op as AtomicOp; // the pattern admits the four that both tables have
    const body = { kind: "atomic", op, fetch: false, base: reg64(text(m, 2)), off: off16(m[3]) } as const;
    return () => ({ ...body, size: atomicSize(text(m, 1)), src: reg64(text(m, 5)) });
  }),
  fetchRule("fetch_(add|or|and|xor)", (m) => text(m, 2) as AtomicOp), // the pattern admits no other
  fetchRule("xchg", () => "xchg"),
  fetchRule("cmpxchg", () => "cmpxchg"),
  rule(`store_release\\(\\s*${MEM}\\s*,\\s*${R}\\s*\\)`, (m) => {
    const { size } = typeOf(text(m, 1), "unsigned");
    return () => ({
      kind: "store_release",
      base: reg64(text(m, 2)),
      off: off16(m[3]),
      size,
      src: reg64(text(m, 4)),
    });
  }),
  rule(`${R}\\s*=\\s*load_acquire\\(\\s*${MEM}\\s*\\)`, (m) => {
    const { size } = typeOf(text(m, 2), "unsigned");
    return () => ({
      kind: "load_acquire",
      dst: reg64(text(m, 1)),
      base: reg64(text(m, 3)),
      off: off16(m[4]),
      size,
    });
  }),
  rule(`r0\\s*=\\s*\\*\\s*\\(\\s*(\\w+)\\s*\\*\\s*\\)\\s*skb\\[\\s*(?:${R}\\s*\\+\\s*)?${N}\\s*\\]`, (m) => {
    const size = narrowType(text(m, 1));
    const imm = imm32(text(m, 3));
    const src = m[2];
    return () =>
      src === undefined ? { kind: "ld_abs", size, imm } : { kind: "ld_ind", size, src: reg64(src), imm };
  }),
  rule(`${R}\\s*=\\s*\\*\\s*${MEM}`, (m) => {
    const type = typeOf(text(m, 2), "signed");
    return () => ({
      kind: "ldx",
      dst: reg64(text(m, 1)),
      base: reg64(text(m, 3)),
      off: off16(m[4]),
      ...type,
    });
  }),
  rule(`\\*\\s*${MEM}\\s*=\\s*${N}`, (m) => {
    const { size } = typeOf(text(m, 1), "unsigned");
    return () => ({
      kind: "st",
      base: reg64(text(m, 2)),
      off: off16(m[3]),
      size,
      src: operand(text(m, 4), 64),
    });
  }),
  rule(`${R}\\s*=\\s*-\\s*${R}`, (m) => {
    const { regno: dst, width } = register(text(m, 1));
    if (m[1] !== m[2]) throw bad("negation works in place");
    return () => ({ kind: "neg", width, dst });
  }),
  rule(`${R}\\s*=\\s*(be|le|bswap)(16|32|64)\\s+${R}`, (m) => {
    if (m[1] !== m[4]) throw bad("byte swaps work in place");
    const to = m[2] === "bswap" ? "swap" : (text(m, 2) as "be" | "le"); // the pattern admits no other
    return () => ({ kind: "end", to, bits: Number(m[3]) as 16 | 32 | 64, dst: reg64(text(m, 1)) });
  }),
  rule(`${R}\\s*=\\s*\\(s(8|16|32)\\)\\s*${R}`, (m) => {
    const { regno: dst, width } = register(text(m, 1));
    const src = register(text(m, 3));
    const from = Number(m[2]) as 8 | 16 | 32;
    if (src.width !== width || from === width) throw bad("no such sign extension");
    return () => ({ kind: "movsx", width, from, dst, src: src.regno });
  }),
  rule(`${R}\\s*=\\s*addr_space_cast\\(\\s*${R}\\s*,\\s*(\\d+)\\s*,\\s*(\\d+)\\s*\\)`, (m) => () => {
    const imm = ((Number(m[3]) & 0xffff) << 16) | (Number(m[4]) & 0xffff);
    return { kind: "addr_space_cast", dst: reg64(text(m, 1)), src: reg64(text(m, 2)), imm };
  }),
  rule(`${R}\\s*(s?>>=|<<=|s?/=|s?%=|[-+*|&^]?=)\\s*${N}`, (m) => {
    const { regno: dst, width } = register(text(m, 1));
    const alu = ALU_BY_SYM.get(text(m, 2));
    if (alu === undefined) throw bad(`no operation ${m[2]}`);
    const src = operand(text(m, 3), width);
    return () => ({ kind: "alu", ...alu, width, dst, src });
  }),
];

function strip(line: string): string {
  const code = line.replace(/(;|\/\/|(^|\s)#(\s|$)).*$/, "").trim();
  return code.replace(/^\d+:\s*/, "").replace(/^\([0-9a-f]{2}\)\s*/, "");
}

interface Parsed {
  readonly slots: 1 | 2;
  readonly make: Make;
}

function parse(statement: string, opts: AssembleOpts): Parsed {
  for (const [slots, rules] of [
    [2, LOAD64_RULES],
    [1, RULES],
  ] as const) {
    for (const [pattern, make] of rules) {
      const m = pattern.exec(statement);
      if (m !== null) return { slots, make: make(m, opts) };
    }
  }
  throw bad(`cannot read ${statement}`);
}

/** Names the line in the errors of `fn`. */
function onLine<T>(line: number, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause;
    throw new BpfError(cause.code, `line ${line}: ${cause.message}`, { cause });
  }
}

interface Statement {
  readonly line: number;
  readonly pc: number;
  readonly make: Make;
}

/** Insns by slot, as decodeInsns gives them. */
export function assemble(source: string, opts: AssembleOpts = {}): (Insn | undefined)[] {
  const labels = new Map<string, number>();
  const statements: Statement[] = [];
  let pc = 0;
  source.split("\n").forEach((whole, i) => {
    onLine(i + 1, () => {
      let code = strip(whole);
      for (
        let m = /^([A-Za-z_.][\w.]*):\s*/.exec(code);
        m !== null;
        m = /^([A-Za-z_.][\w.]*):\s*/.exec(code)
      ) {
        const name = text(m, 1);
        if (labels.has(name) || name === "pc") throw bad(`label ${name} is taken`);
        labels.set(name, pc);
        code = code.slice(m[0].length);
      }
      if (code === "") return;
      const { slots, make } = parse(code, opts);
      statements.push({ line: i + 1, pc, make });
      pc += slots;
    });
  });
  return finish(statements, labels);
}

function resolve(label: string, pc: number, labels: ReadonlyMap<string, number>): number {
  const m = /^(pc)?\s*([+-]\s*\d+)$/.exec(label);
  if (m !== null) return pc + 1 + Number(integer(text(m, 2)));
  const at = labels.get(label);
  if (at === undefined) throw bad(`no label ${label}`);
  return at;
}

function finish(statements: readonly Statement[], labels: ReadonlyMap<string, number>): (Insn | undefined)[] {
  const raws: RawInsn[] = [];
  for (const { line, pc, make } of statements) {
    if (pc !== raws.length) throw new Error(`line ${line} stands at slot ${raws.length}, not ${pc}`);
    onLine(line, () => {
      const made = make({ pc, target: (label) => resolve(label, pc, labels) });
      raws.push(...("code" in made ? [made] : encodeInsn({ pc, ...made })));
    });
  }
  return decodeInsns(encodeRaw(raws));
}
