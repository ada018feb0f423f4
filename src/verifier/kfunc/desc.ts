// A kernel function as a call sees it: its row, its prototype in BTF, and what the names of its parameters say.
import { type Btf, type BtfParam, type BtfType } from "../../btf/btf.ts";
import { btfOfProtos } from "../../btf/proto.ts";
import { type KfuncFlag, type KfuncRow, kfuncRow, OWN_PROTOS } from "../../spec/kfuncs/index.ts";

/** What a parameter's name may end in; see Documentation/bpf/kfuncs.rst. */
export type Suffix =
  | "__sz"
  | "__szk"
  | "__k"
  | "__ign"
  | "__map"
  | "__alloc"
  | "__uninit"
  | "__refcounted_kptr"
  | "__nullable"
  | "__opt"
  | "__str"
  | "__irq_flag"
  | "__prog"
  | "__iter";

export class KfuncParam {
  /** its type behind typedefs and qualifiers */
  readonly type: BtfType;
  /** pointers: what it points to */
  readonly to: BtfType | undefined;

  constructor(
    readonly btf: Btf,
    readonly name: string,
    readonly typeId: number,
  ) {
    this.type = btf.resolve(typeId);
    this.to = this.type.kind === "ptr" ? btf.resolve(this.type.typeId) : undefined;
  }

  has(suffix: Suffix): boolean {
    return this.name.length > suffix.length && this.name.endsWith(suffix);
  }

  /** It points to the kernel's struct of this name. */
  pointsTo(struct: string): boolean {
    return this.to?.kind === "struct" && this.to.name === struct;
  }

  /** The program's value is not looked at: the kernel puts in its own. */
  get ignored(): boolean {
    return this.has("__ign") || this.has("__prog");
  }
}

export class Kfunc {
  readonly params: readonly KfuncParam[];

  constructor(
    /** what the call insn holds */
    readonly id: number,
    readonly name: string,
    /** undefined: a function of the kernel that no program may call */
    readonly row: KfuncRow | undefined,
    /** where its prototype is */
    readonly btf: Btf,
    params: readonly BtfParam[],
    readonly retTypeId: number,
  ) {
    this.params = params.map((p) => new KfuncParam(btf, p.name, p.typeId));
  }

  is(flag: KfuncFlag): boolean {
    return this.row?.flags.has(flag) === true;
  }

  /** Its callback runs later, from a stack of its own. */
  get async(): boolean {
    return ASYNC.has(this.name);
  }

  get isIter(): boolean {
    return this.is("iter_new") || this.is("iter_next") || this.is("iter_destroy");
  }
}

const ASYNC: ReadonlySet<string> = new Set([
  "bpf_wq_set_callback_impl",
  "bpf_task_work_schedule_signal_impl",
  "bpf_task_work_schedule_resume_impl",
]);

let ownBtf: Btf | undefined;

/** Ids of functions that this library brings along begin here, beyond those of any kernel. */
const OWN_BASE = 0x7f00_0000;

function own(): Btf {
  ownBtf ??= btfOfProtos(OWN_PROTOS);
  return ownBtf;
}

/** What loading writes into a call of this function: the kernel's id, if it has it. Undefined: there is none of that name. */
export function kfuncId(name: string, kernel: () => Btf | undefined): number | undefined {
  const theirs = kernel()?.find(name, "func")?.id;
  if (theirs !== undefined) return theirs;
  const mine = own().find(name, "func")?.id;
  return mine === undefined ? undefined : OWN_BASE + mine;
}

/** The function that an id stands for; undefined: it is none. */
export function findKfunc(id: number, kernel: () => Btf | undefined): Kfunc | undefined {
  const btf = id > OWN_BASE ? own() : kernel();
  const func = btf?.at(id > OWN_BASE ? id - OWN_BASE : id);
  if (btf === undefined || func?.kind !== "func") return undefined;
  const proto = btf.resolve(func.typeId);
  if (proto.kind !== "func_proto") return undefined;
  return new Kfunc(id, func.name, kfuncRow(func.name), btf, proto.params, proto.typeId);
}
