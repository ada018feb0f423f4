// Which subprograms the verifier takes as global, and by what name: what the types say, since a compiler may make
// copies of a function under names of their own. A symbol that is hidden makes its function static.
import type { Btf } from "../btf/btf.ts";
import type { ElfFunc } from "./funcs.ts";
import type { ProgSpec, SubprogSpec } from "./object_spec.ts";

/** The program with the linkage of its subprograms put right; without types symbols have to do. */
export function withLinkage(prog: ProgSpec, btf: Btf | undefined, funcs: readonly ElfFunc[]): ProgSpec {
  if (btf === undefined || prog.funcs.length === 0) return prog;
  const hidden = new Set(funcs.filter((f) => f.hidden).map((f) => f.name));
  const typeAt = new Map(prog.funcs.map((f) => [f.pc, f.typeId]));
  const subprogs = prog.subprogs.map((s): SubprogSpec => {
    const t = btf.at(typeAt.get(s.pc) ?? 0);
    if (s.pc === 0 || t?.kind !== "func") return s;
    return { ...s, name: t.name, global: t.linkage !== "static" && !hidden.has(s.name) };
  });
  return { ...prog, subprogs };
}
