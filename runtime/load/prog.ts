// From the spec's program to what the verifier takes: maps as definitions, names of this world resolved.
// Decides what an object asks for that cannot exist here, and says so by name.
import type { Btf } from "../../src/btf/btf.ts";
import { applyCore } from "../../src/btf/core.ts";
import type { MapSpec, ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { TARGET_NAMES } from "../../src/spec/attach_targets.ts";
import { takesTypes } from "../../src/elf/special_fields.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import { BpfError, type ErrnoName } from "../../src/spec/errors.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { VerifierError } from "../../src/verifier/error.ts";
import { type VerifyOptions, verify } from "../../src/verifier/verify.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { kfuncId } from "../../src/verifier/kfunc/desc.ts";
import { plainName, withExterns } from "./externs.ts";
import { explainPoison } from "./poison.ts";
import { kernelMapName } from "./kernel_name.ts";
import type { OpenObject } from "./open.ts";
import { type Outside, RUNNING } from "./outside.ts";

const BPF_F_RDONLY_PROG = 1 << 7;

/** What the verifier must know of a map; read-only data is known to the byte. */
export function toMapDef(map: MapSpec): MapDef {
  const frozen = map.readonlyData === true ? map.data : undefined;
  return {
    name: map.name,
    type: map.type,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: map.readonlyData === true ? map.flags | BPF_F_RDONLY_PROG : map.flags,
    ...(map.mapExtra === undefined ? {} : { mapExtra: map.mapExtra }),
    specialFields: map.specialFields,
    keyTypeId: map.keyTypeId,
    valueTypeId: map.valueTypeId,
    ...(frozen === undefined ? {} : { frozen }),
    ...(map.inner === undefined ? {} : { inner: toMapDef(map.inner) }),
  };
}

/** A license that may call GPL-only helpers, by the kernel's own list (include/linux/license.h). */
const GPL_COMPATIBLE: ReadonlySet<string> = new Set([
  "GPL",
  "GPL v2",
  "GPL and additional rights",
  "Dual BSD/GPL",
  "Dual MIT/GPL",
  "Dual MPL/GPL",
]);

/** Indexes into ObjectSpec.maps of the maps this program's insns name. */
export function mapsOf(prog: ProgSpec): ReadonlySet<number> {
  const used = new Set<number>();
  for (const insn of prog.insns) {
    if (insn?.kind !== "ld_imm64") continue;
    if (insn.value.kind === "map" || insn.value.kind === "map_value") used.add(insn.value.map);
  }
  return used;
}

/** The programs named and all that their program arrays name, and so on. */
export function progsToLoad(opened: OpenObject, names: readonly string[] | undefined): readonly ProgSpec[] {
  const { spec } = opened;
  if (names === undefined) return spec.progs;
  const wanted = new Set<ProgSpec>();
  const queue = names.map((name) => opened.prog(name));
  for (let prog = queue.pop(); prog !== undefined; prog = queue.pop()) {
    if (wanted.has(prog)) continue;
    wanted.add(prog);
    for (const index of mapsOf(prog)) {
      for (const value of spec.maps[index]?.values ?? [])
        if (value.kind === "prog") queue.push(opened.prog(value.target));
    }
  }
  return spec.progs.filter((p) => wanted.has(p));
}

/** CO-RE relocations are resolved against the kernel's types; where those are not known, against the object's own. */
export function relocated(
  spec: ObjectSpec,
  prog: ProgSpec,
  kernelBtf: () => Btf | undefined,
): ProgSpec["insns"] {
  if (prog.coreRelos.length === 0) return prog.insns;
  if (spec.btf === undefined)
    throw new BpfError("EINVAL", `prog '${prog.name}': CO-RE relocations without BTF`);
  return applyCore(prog.insns, prog.coreRelos, spec.btf, kernelBtf() ?? spec.btf);
}

/** The type in the kernel's BTF that a program of this section is attached to; undefined for programs without one. */
function attachTarget(prog: ProgSpec, outside: Outside): number | undefined {
  const names = prog.expectedAttachType === undefined ? undefined : TARGET_NAMES[prog.expectedAttachType];
  if (names === undefined) return undefined;
  const refuse = (why: string, code: ErrnoName = "ESRCH"): never => {
    throw new BpfError(code, `prog '${prog.name}': ${why}`);
  };
  if (prog.attachTo === undefined) return refuse("its section names no target to attach to", "EINVAL");
  const btf = outside.kernelBtf();
  if (btf === undefined)
    return refuse(`to attach to '${prog.attachTo}' needs the kernel's BTF, which is not there`);
  const name = names.prefix + prog.attachTo;
  return btf.find(name, names.kind)?.id ?? refuse(`the kernel's BTF has no ${names.kind} '${name}'`);
}

/** Throws BpfError where the program needs what this world does not have. */
export function toProg(spec: ObjectSpec, prog: ProgSpec, outside: Outside = RUNNING): Prog {
  if (prog.refused !== undefined) throw new BpfError("EINVAL", prog.refused);
  const attachBtfId = attachTarget(prog, outside);
  const kernelBtf =
    prog.kfuncs.length === 0 ? outside.kernelBtf : outside.btfWith(prog.kfuncs.map((k) => plainName(k.name)));
  return {
    name: prog.name,
    type: prog.type,
    ...(prog.expectedAttachType === undefined ? {} : { expectedAttachType: prog.expectedAttachType }),
    ...(attachBtfId === undefined ? {} : { attachBtfId }),
    flags: prog.flags,
    gplCompatible: GPL_COMPATIBLE.has(spec.license),
    insns: withExterns(spec, prog, relocated(spec, prog, kernelBtf), outside, (name) =>
      kfuncId(name, kernelBtf),
    ),
    maps: spec.maps.map((map) => ({ ...toMapDef(map), name: kernelMapName(spec, map) })),
    ...(spec.btf === undefined ? {} : { btf: spec.btf }),
    kernelBtf,
    hasSymbol: (name) => outside.hasSymbol(name),
    subprogs: prog.subprogs,
    lines: prog.lines,
    funcs: prog.funcs,
  };
}

/** Whether the kernel takes the object's types from a process with these capabilities. */
export function loadsTypes(
  { btf }: ObjectSpec,
  outside: Outside,
  caps: readonly Capability[] = CAPABILITIES,
): boolean {
  return caps.includes("bpf") && (btf === undefined || takesTypes(btf, outside.kernelBtf));
}

type Typed = Readonly<Pick<MapDef, "specialFields" | "keyTypeId" | "valueTypeId">>;

/** The map as libbpf creates it where it may not load types. */
export function withoutTypes<M extends Typed & { readonly inner?: M }>(map: M): M {
  const inner = map.inner === undefined ? {} : { inner: withoutTypes(map.inner) };
  return { ...map, specialFields: [], keyTypeId: 0, valueTypeId: 0, ...inner };
}

/** The program as libbpf loads it there. */
function progWithoutTypes(typed: Prog): Prog {
  const { btf: _, ...prog } = typed;
  return { ...prog, funcs: [], maps: prog.maps.map(withoutTypes) };
}

/**
 * Verifies one program as if loaded alone. Throws VerifierError when it is rejected, BpfError when one of its
 * maps or relocations is refused.
 */
export function verifyProg(
  spec: ObjectSpec,
  prog: ProgSpec,
  options: VerifyOptions = {},
  outside: Outside = RUNNING,
): VerifiedProg {
  const ready = toProg(spec, prog, outside);
  try {
    return verify(loadsTypes(spec, outside, options.caps) ? ready : progWithoutTypes(ready), options);
  } catch (error) {
    throw error instanceof VerifierError ? explainPoison(spec, prog, error) : error;
  }
}
