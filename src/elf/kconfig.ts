// `.kconfig` externs: the kernel configuration that an object asks for, as the read-only map that libbpf makes of it.
// Decides where each value lies and how the configuration's text becomes its bytes; knows nothing of files.
// Follows libbpf (set_kcfg_value_* and cmp_externs in tools/lib/bpf/libbpf.c).
import type { Btf, BtfType } from "../btf/btf.ts";
import { BpfError } from "../spec/errors.ts";
import type { MapSpec } from "./object_spec.ts";

export const KCONFIG = ".kconfig";

/** What an option's type may be, by libbpf's names. */
type KcfgType = "bool" | "char" | "int" | "tristate" | "char_arr";

interface Extern {
  readonly name: string;
  readonly type: KcfgType | undefined;
  readonly signed: boolean;
  readonly size: number;
  readonly align: number;
  off: number;
}

/** What is not an option of the configuration but told by name all the same. */
export interface KernelFacts {
  /** LINUX_VERSION_CODE */
  readonly version: number;
}

const TRISTATE = { n: 0, y: 1, m: 2 } as const;

function kcfgType(btf: Btf, t: BtfType): KcfgType | undefined {
  switch (t.kind) {
    case "int":
      if (t.bool) return t.size === 1 ? "bool" : undefined;
      return t.size === 1 ? "char" : t.size <= 8 ? "int" : undefined;
    case "enum":
      return t.size === 4 && t.name === "libbpf_tristate" ? "tristate" : undefined;
    case "array":
      return t.nelems > 0 && kcfgType(btf, btf.resolve(t.typeId)) === "char" ? "char_arr" : undefined;
    default:
      return undefined;
  }
}

function alignOf(btf: Btf, t: BtfType): number {
  if (t.kind === "array") return alignOf(btf, btf.resolve(t.typeId));
  return "size" in t ? Math.min(t.size, 8) : 1;
}

function toExtern(btf: Btf, varId: number): Extern {
  const v = btf.byId(varId);
  if (v.kind !== "var") throw new BpfError("EINVAL", `section ${KCONFIG}: type ${varId} is no variable`);
  const t = btf.resolve(v.typeId);
  const signed = t.kind === "int" && t.signed;
  return {
    name: v.name,
    type: kcfgType(btf, t),
    signed,
    size: btf.sizeof(t.id),
    align: alignOf(btf, t),
    off: 0,
  };
}

/** libbpf's order: widest alignment first, then the smaller, then by name. */
function layOut(externs: Extern[]): number {
  externs.sort((a, b) => b.align - a.align || a.size - b.size || (a.name < b.name ? -1 : 1));
  let end = 0;
  for (const e of externs) {
    e.off = Math.ceil(end / e.align) * e.align;
    end = e.off + e.size;
  }
  return end;
}

/** CONFIG_X=value lines of a configuration, by name. */
export function parseConfig(text: string): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/^(CONFIG_\w+)=(.*)$/gm))
    if (name !== undefined && value !== undefined) out.set(name, value.trimEnd());
  return out;
}

function putInt(view: DataView, e: Extern, value: bigint, text: string): void {
  const fits = e.signed ? BigInt.asIntN(e.size * 8, value) : BigInt.asUintN(e.size * 8, value);
  if (fits !== value) throw new BpfError("ERANGE", `extern (kcfg) '${e.name}': value '${text}' does not fit`);
  for (let i = 0; i < e.size; i++) view.setUint8(e.off + i, Number((value >> BigInt(8 * i)) & 0xffn));
}

function putText(view: DataView, e: Extern, text: string): void {
  if (e.type !== "char_arr" || !/^".*"$/s.test(text))
    throw new BpfError("EINVAL", `extern (kcfg) '${e.name}': value '${text}' is no string for its type`);
  const bytes = Buffer.from(text.slice(1, -1), "utf8").subarray(0, e.size - 1);
  bytes.forEach((b, i) => {
    view.setUint8(e.off + i, b);
  });
}

function putValue(view: DataView, e: Extern, text: string): void {
  const bad = () =>
    new BpfError("EINVAL", `extern (kcfg) '${e.name}': value '${text}' does not fit its type`);
  if (text === "y" || text === "n" || text === "m") {
    if (e.type === "char") return view.setUint8(e.off, text.charCodeAt(0));
    if (e.type === "tristate") return view.setUint32(e.off, TRISTATE[text], true);
    if (e.type !== "bool" || text === "m") throw bad();
    return view.setUint8(e.off, TRISTATE[text]);
  }
  if (text.startsWith('"')) return putText(view, e, text);
  const sign = text.startsWith("-") ? -1n : 1n;
  const digits = text.replace(/^[-+]/, "");
  if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(digits) || (e.type !== "int" && e.type !== "char")) throw bad();
  putInt(view, e, sign * BigInt(digits), text);
}

/** LINUX_… externs; undefined where the name is none of them. */
function factOf(name: string, facts: KernelFacts): bigint | undefined {
  if (name === "LINUX_KERNEL_VERSION") return BigInt(facts.version);
  if (name === "LINUX_HAS_BPF_COOKIE" || name === "LINUX_HAS_SYSCALL_WRAPPER") return 1n;
  return undefined;
}

export interface Kconfig {
  readonly map: MapSpec;
  /** bytes from the start of the map's value, by extern */
  readonly offs: ReadonlyMap<string, number>;
  /** externs that the configuration does not name; their bytes are zero */
  readonly missing: ReadonlySet<string>;
}

/** The map; undefined where the object has no such section. */
export function makeKconfig(
  btf: Btf | undefined,
  config: () => ReadonlyMap<string, string>,
  facts: () => KernelFacts,
): Kconfig | undefined {
  const section = btf?.find(KCONFIG, "datasec");
  if (btf === undefined || section === undefined || section.vars.length === 0) return undefined;
  const externs = section.vars.map((v) => toExtern(btf, v.typeId));
  const size = layOut(externs);
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  const missing = new Set<string>();
  for (const e of externs) {
    const fact = factOf(e.name, facts());
    const text = e.name.startsWith("CONFIG_") ? config().get(e.name) : undefined;
    if (fact !== undefined) putInt(view, e, fact, `${fact}`);
    else if (text !== undefined) putValue(view, e, text);
    else missing.add(e.name);
  }
  const map: MapSpec = {
    name: KCONFIG,
    type: "array",
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    flags: 0,
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: 0,
    datasecTypeId: section.id,
    specialFields: [],
    data,
    readonlyData: true,
  };
  return { map, offs: new Map(externs.map((e) => [e.name, e.off])), missing };
}
