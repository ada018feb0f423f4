// The words of helper prototypes: what an argument may be, what is returned, what a call does besides, who may call.
// How an argument is checked is the verifier's business.
import type { AttachTypeName, ProgTypeName } from "../prog_types.ts";

/** Kinds of arguments that need no more than their name. */
export type PlainArg =
  | "dontcare" // not looked at, may even be uninitialised
  | "anything"
  | "ctx"
  | "ctx_or_null"
  | "const_map_ptr"
  | "map_key"
  | "map_value"
  | "map_value_or_null"
  | "uninit_map_value" // written by the helper, need not be initialised
  | "mem" // read by the helper
  | "mem_or_null"
  | "uninit_mem" // written by the helper, need not be initialised
  | "inout_mem" // read, and written in whole or in part
  | "inout_mem_or_null"
  | "const_size" // length of the argument before it, > 0
  | "const_size_or_zero"
  | "const_alloc_size_or_zero" // a constant: length of what is returned
  | "const_str" // zero-terminated, in a frozen map
  | "func" // a callback: static subprog
  | "stack_or_null"
  | "timer" // bpf_timer of a map value
  | "spin_lock" // bpf_spin_lock of a map value
  | "kptr" // the place of a kptr in a map value
  | "kptr_or_null" // what is put there: of the place's type, given away
  | "ringbuf_mem" // a reserved record, given away
  | "sock_common" // any of the kernel's socket kinds
  | "btf_id_sock_common" // the same, or a pointer to a struct that begins with one
  | "btf_id_sock_common_or_null"
  | "socket_or_null" // a full socket
  | "percpu_btf_id"; // a per-CPU variable of the kernel

/** A pointer to a struct of the kernel, by its name. */
export interface BtfArg {
  readonly kind: "btf_id";
  readonly struct: string;
  readonly nullable: boolean;
}

/** Memory of one size. "uninit": written, need not be initialised. */
export interface FixedArg {
  readonly kind: "fixed_mem";
  readonly size: number;
  readonly access: "read" | "write" | "uninit";
}

/** A dynptr on the stack, or one that a callback was given. */
export interface DynptrArg {
  readonly kind: "dynptr";
  /** undefined: of any type */
  readonly type?: "local" | "ringbuf";
  /** "new": made by the call. "release": gone after it. */
  readonly use: "new" | "read" | "release";
}

export type ArgType = PlainArg | BtfArg | FixedArg | DynptrArg;
export type ArgKind = PlainArg | (BtfArg | FixedArg | DynptrArg)["kind"];

export function argKind(arg: ArgType): ArgKind {
  return typeof arg === "string" ? arg : arg.kind;
}

export function ptrTo(struct: string): BtfArg {
  return { kind: "btf_id", struct, nullable: false };
}

export function ptrToOrNull(struct: string): BtfArg {
  return { kind: "btf_id", struct, nullable: true };
}

export function fixedMem(size: number, access: FixedArg["access"]): FixedArg {
  return { kind: "fixed_mem", size, access };
}

export type PlainRet =
  | "integer"
  | "void"
  | "map_value"
  | "map_value_or_null"
  | "sock_or_null"
  | "sock_common_or_null"
  | "tcp_sock_or_null"
  | "ringbuf_mem_or_null" // as long as the constant size given
  | "dynptr_mem_or_null"
  | "percpu_or_null" // this CPU's part of a per-CPU variable
  | "percpu"
  | "kptr_or_null";

/** A pointer to a struct of the kernel. */
export interface BtfRet {
  readonly kind: "btf_id";
  readonly struct: string;
  readonly nullable: boolean;
  readonly trusted: boolean;
}

export type RetType = PlainRet | BtfRet;

export function retPtr(struct: string, how: "trusted" | "plain" | "or_null"): BtfRet {
  return { kind: "btf_id", struct, nullable: how === "or_null", trusted: how === "trusted" };
}

export interface HelperEffects {
  readonly gplOnly?: true;
  /** memory arguments may be packet pointers */
  readonly pktAccess?: true;
  /** moves data, data_end or data_meta: every packet pointer dies */
  readonly changesPkt?: true;
  /** writes packet bytes without moving anything */
  readonly writesPkt?: true;
  /** its callback runs later, from a stack of its own */
  readonly async?: true;
  /** only in programs that may sleep */
  readonly mightSleep?: true;
  /** these programs know the helper but are not in a place where it may be called */
  readonly notInProbe?: true;
  /** only where the program is attached to one of these, by the names in BTF */
  readonly targets?: readonly string[] | RegExp;
  /** returns an object that must be given back */
  readonly acquires?: true;
  /** gives back what this argument holds */
  readonly releases?: 1 | 2;
  /** returns the object it was given, seen as another kind: one reference for both */
  readonly casts?: true;
  /** what is returned is at most the size given, or a negative errno */
  readonly returnsSize?: true;
}

/** Programs of a type, perhaps only with some expected attach types. None given counts as the kernel's number 0. */
export interface Callers {
  readonly type: ProgTypeName;
  readonly attach?: readonly AttachTypeName[];
  readonly notAttach?: readonly AttachTypeName[];
}

export interface HelperProto {
  readonly id: number;
  /** without `bpf_` */
  readonly name: string;
  readonly args: readonly ArgType[];
  readonly ret: RetType;
  readonly callers: readonly Callers[] | "any";
  readonly effects: HelperEffects;
}

/** A row of a table: one prototype, for some programs. A helper that looks different to others has several rows. */
export type Row = readonly [
  id: number,
  name: string,
  args: readonly ArgType[],
  ret: RetType,
  callers: HelperProto["callers"],
  effects?: HelperEffects,
];
