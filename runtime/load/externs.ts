// Names that an object leaves to the kernel: functions, symbols, configuration. Each becomes what libbpf makes of it;
// a weak one that is not there becomes nothing, a strong one refuses the programs that need it.
import type { ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { makeKconfig } from "../../src/elf/kconfig.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { Outside } from "./outside.ts";

type Extern = ProgSpec["externs"][number];

/** What libbpf puts into the call of a weak kernel function that is not there: no helper has this number. */
export const POISON_KFUNC = 2002000000;

/** What follows three underscores tells flavours of one function apart, in the object only. */
export function plainName(name: string): string {
  return name.replace(/___.*$/, "");
}

function notResolved(prog: ProgSpec, extern: { readonly name: string }): BpfError {
  return new BpfError("ESRCH", `prog '${prog.name}': extern (strong) '${extern.name}': not resolved`);
}

/** Number of a kernel function by its name. */
type KfuncIds = (name: string) => number | undefined;

/** The call of a kernel function by its number; a weak one that is not known cannot be reached. */
function kfuncCall(prog: ProgSpec, index: number, insn: Insn, idOf: KfuncIds): Insn {
  const kfunc = prog.kfuncs[index] as ProgSpec["kfuncs"][number];
  const id = idOf(plainName(kfunc.name));
  if (id === undefined && !kfunc.weak) throw notResolved(prog, kfunc);
  const callee =
    id === undefined
      ? { kind: "helper" as const, id: POISON_KFUNC + index }
      : { kind: "kfunc" as const, btfId: id, off: 0 };
  return { pc: insn.pc, kind: "call", callee };
}

/** A typed variable by its type's number; a function or a symbol without a type by where it is, 0 if it is not. */
function ksymValue(
  prog: ProgSpec,
  extern: Extern,
  typed: boolean,
  outside: Outside,
  idOf: KfuncIds,
): Insn & { kind: "ld_imm64" } {
  const at = (value: (Insn & { kind: "ld_imm64" })["value"]): Insn & { kind: "ld_imm64" } => ({
    pc: extern.pc,
    kind: "ld_imm64",
    dst: 0,
    value,
  });
  const name = plainName(extern.name);
  if (typed) {
    const variable = outside.kernelBtf()?.find(name, "var");
    if (variable !== undefined) return at({ kind: "btf_id", btfId: variable.id, btfFd: 0 });
  }
  if (idOf(name) !== undefined) return at({ kind: "imm", imm: 1n });
  const address = typed ? undefined : outside.address(name);
  if (address === undefined && !extern.weak) throw notResolved(prog, extern);
  return at({ kind: "imm", imm: address ?? 0n });
}

/** Declared with a type other than void: meant is the kernel's variable of that name. */
function isTyped(spec: ObjectSpec, name: string): boolean {
  const v = spec.btf?.find(name, "var");
  return v !== undefined && spec.btf?.resolve(v.typeId).kind !== "void";
}

/** The program's insns with what they ask of the kernel in them. */
export function withExterns(
  spec: ObjectSpec,
  prog: ProgSpec,
  insns: ProgSpec["insns"],
  outside: Outside,
  idOf: KfuncIds,
): ProgSpec["insns"] {
  if (prog.kfuncs.length + prog.externs.length === 0) return insns;
  const out = insns.slice();
  prog.kfuncs.forEach(({ pc }, i) => {
    out[pc] = kfuncCall(prog, i, out[pc] as Insn, idOf);
  });
  for (const extern of prog.externs) {
    const insn = out[extern.pc];
    if (insn?.kind !== "ld_imm64")
      throw new BpfError("EINVAL", `prog '${prog.name}': insn ${extern.pc} loads no extern`);
    if (insn.value.kind !== "imm") continue; // configuration: put in when the object was opened
    out[extern.pc] = { ...ksymValue(prog, extern, isTyped(spec, extern.name), outside, idOf), dst: insn.dst };
  }
  return out;
}

/** Adds the `.kconfig` map and makes its externs loads of its values; a program that needs what is not there is refused. */
export function addKconfig(spec: ObjectSpec, outside: Outside): ObjectSpec {
  const kconfig = makeKconfig(spec.btf, outside.config, outside.facts);
  if (kconfig === undefined) return spec;
  const map = spec.maps.length;
  const progs = spec.progs.map((prog): ProgSpec => {
    const own = prog.externs.filter((e) => e.kind === "kconfig");
    if (own.length === 0) return prog;
    const strong = own.find((e) => !e.weak && kconfig.missing.has(e.name));
    if (strong !== undefined) return { ...prog, refused: notResolved(prog, strong).message };
    const insns = prog.insns.slice();
    for (const e of own) {
      const insn = insns[e.pc];
      const off = kconfig.offs.get(e.name);
      if (insn?.kind === "ld_imm64" && off !== undefined)
        insns[e.pc] = { ...insn, value: { kind: "map_value", map, off } };
    }
    return { ...prog, insns, externs: prog.externs.filter((e) => e.kind !== "kconfig") };
  });
  return { ...spec, maps: [...spec.maps, kconfig.map], progs };
}
