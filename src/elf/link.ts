// A program and the subprograms it reaches -> one run of insns. Decides their order (each subprogram is
// appended where it is first met, depth first, as libbpf does), rewrites every reference, and moves
// function, line and CO-RE records along.
import type { BtfExt, ExtSection } from "../btf/ext.ts";
import { decodeInsns } from "../isa/decode.ts";
import { type ElfFunc, PSEUDO, type Ref, SLOT } from "./funcs.ts";
import type { CoreRelo, FuncInfo, LineInfo, ProgSpec, SubprogSpec } from "./object_spec.ts";

export type Linked = Pick<
  ProgSpec,
  "insns" | "subprogs" | "lines" | "funcs" | "coreRelos" | "kfuncs" | "externs"
>;

/** A program of nothing, for one that was refused. */
export const NOT_LINKED: Linked = {
  insns: [],
  subprogs: [],
  lines: [],
  funcs: [],
  coreRelos: [],
  kfuncs: [],
  externs: [],
};

/** What all programs of an object may take together: slots and records. */
export interface LinkBudget {
  left: number;
}

/** Where each function landed, in slots. */
type Layout = Map<ElfFunc, number>;

export type LinkResult = Linked | { readonly refused: string };

/** `also`: functions that belong to the program though nothing refers to them. */
export function link(
  main: ElfFunc,
  ext: BtfExt | undefined,
  budget: LinkBudget,
  also: readonly ElfFunc[] = [],
): LinkResult {
  const layout: Layout = new Map();
  const refused = place([main, ...also], layout, budget);
  if (refused !== undefined) return { refused };
  const slots = [...layout].reduce((n, [f]) => n + (f.end - f.start) / SLOT, 0);
  const code = new Uint8Array(slots * SLOT);
  const view = new DataView(code.buffer);
  const out = {
    subprogs: [] as SubprogSpec[],
    lines: [] as LineInfo[],
    funcs: [] as FuncInfo[],
    coreRelos: [] as CoreRelo[],
    kfuncs: [] as { pc: number; name: string; weak: boolean }[],
    externs: [] as { pc: number; name: string; weak: boolean; kind: "ksym" | "kconfig" }[],
  };
  for (const [f, pc] of layout) {
    code.set(f.section.data.bytes.subarray(f.start, f.end), pc * SLOT);
    for (const ref of f.refs) patch(view, ref, pc + ref.idx, layout);
    for (const ref of f.refs) {
      const at = pc + ref.idx;
      if (ref.kind === "kfunc") out.kfuncs.push({ pc: at, name: ref.name, weak: ref.weak });
      if (ref.kind === "ksym" || ref.kind === "kconfig")
        out.externs.push({ pc: at, name: ref.name, weak: ref.weak, kind: ref.kind });
    }
    out.subprogs.push({ name: f.name, pc, global: f.global });
    moveRecords(f, pc, ext?.get(f.section.name), out);
    budget.left -= f.refs.length;
  }
  budget.left -= out.lines.length + out.coreRelos.length;
  return { ...out, insns: decodeInsns(code) };
}

/** Lays out the roots and what they reach, the first root first; returns why that is not possible. */
function place(roots: readonly ElfFunc[], layout: Layout, budget: LinkBudget): string | undefined {
  let end = 0;
  const stack: { func: ElfFunc; next: number }[] = [];
  const enter = (func: ElfFunc): string | undefined => {
    if (func.refused !== undefined) return func.refused;
    layout.set(func, end);
    const slots = (func.end - func.start) / SLOT;
    end += slots;
    budget.left -= slots;
    if (budget.left < 0)
      return `${func.section.data.where}: the programs of this object link to too many insns`;
    stack.push({ func, next: 0 });
    return undefined;
  };
  for (const root of roots) {
    let refused = layout.has(root) ? undefined : enter(root);
    for (let top = stack.at(-1); top !== undefined && refused === undefined; top = stack.at(-1)) {
      const ref = top.func.refs[top.next++];
      if (ref === undefined) stack.pop();
      else if ((ref.kind === "call" || ref.kind === "func_addr") && !layout.has(ref.target))
        refused = enter(ref.target);
    }
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** Rewrites the insn at slot `at`. */
function patch(view: DataView, ref: Ref, at: number, layout: Layout): void {
  const setSrc = (src: number) =>
    view.setUint8(at * SLOT + 1, (view.getUint8(at * SLOT + 1) & 0xf) | (src << 4));
  const setImm = (slot: number, imm: number) => {
    // ld_imm64 cut off at the end of its function keeps its first half; decoding refuses it.
    if (slot * SLOT < view.byteLength) view.setInt32(slot * SLOT + 4, imm, true);
  };
  switch (ref.kind) {
    case "call":
    case "func_addr": {
      const to = layout.get(ref.target);
      if (to === undefined) throw new Error(`${ref.target.name} was not placed`);
      setSrc(ref.kind === "call" ? PSEUDO.CALL : PSEUDO.FUNC);
      setImm(at, to - at - 1);
      return;
    }
    case "map":
      setSrc(PSEUDO.MAP_IDX);
      setImm(at, ref.map);
      setImm(at + 1, 0);
      return;
    case "map_value":
      setSrc(PSEUDO.MAP_IDX_VALUE);
      setImm(at, ref.map);
      setImm(at + 1, ref.off);
      return;
    case "kfunc":
      setSrc(PSEUDO.KFUNC_CALL);
      setImm(at, 0);
      return;
    case "ksym":
    case "kconfig":
      setImm(at, 0);
      setImm(at + 1, 0);
  }
}

function moveRecords(
  f: ElfFunc,
  base: number,
  ext: ExtSection | undefined,
  out: { lines: LineInfo[]; funcs: FuncInfo[]; coreRelos: CoreRelo[] },
): void {
  if (ext === undefined) return;
  const pcOf = (off: number) => base + (off - f.start) / SLOT;
  for (const r of within(ext.funcs, f)) out.funcs.push({ pc: pcOf(r.off), typeId: r.typeId });
  for (const { off, ...r } of within(ext.lines, f)) out.lines.push({ pc: pcOf(off), ...r });
  for (const { off, ...r } of within(ext.cores, f)) out.coreRelos.push({ pc: pcOf(off), ...r });
}

/** Records of a function, one an insn; `list` is sorted by offset. */
function within<T extends { readonly off: number }>(list: readonly T[], f: ElfFunc): T[] {
  let lo = 0;
  for (let hi = list.length; lo < hi; ) {
    const mid = (lo + hi) >>> 1;
    if ((list[mid]?.off ?? 0) < f.start) lo = mid + 1;
    else hi = mid;
  }
  const out: T[] = [];
  for (let r = list[lo]; r !== undefined && r.off < f.end; r = list[++lo])
    if (r.off % SLOT === 0 && out.at(-1)?.off !== r.off) out.push(r);
  return out;
}
