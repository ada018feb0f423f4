// One field of a context or of a kernel object that programs see through a fixed layout: where it lies, which widths
// may be loaded and stored there, what a load gives. An access fits a field only by its whole byte range.
import type { AttachTypeName } from "../prog_types.ts";

/** Widths of an access: each is its own bit, so masks are sums. */
export const NONE = 0;
export const U8 = 1;
export const U16 = 2;
export const U32 = 4;
export const U64 = 8;
/** the field or a part of it, at any offset that is a multiple of the width */
export const NARROW = U8 | U16 | U32;
export const ANY = U8 | U16 | U32 | U64;
/** narrow only where the field begins */
const HEAD_ONLY = 1 << 4;
export const HEAD = NARROW | HEAD_ONLY;

/** What a load gives: a number, or a pointer of the kind the verifier's log names. */
export interface CtxValue {
  readonly kind:
    | "scalar"
    | "pkt"
    | "pkt_meta"
    | "pkt_end"
    | "flow_keys"
    | "sock"
    | "sock_common"
    | "tp_buffer"
    | "ptr_";
  readonly nullable?: true;
  /** ptr_: the kernel's struct it points to, trusted */
  readonly struct?: string;
}

export const SCALAR: CtxValue = { kind: "scalar" };
export const PKT: CtxValue = { kind: "pkt" };
export const PKT_META: CtxValue = { kind: "pkt_meta" };
export const PKT_END: CtxValue = { kind: "pkt_end" };
export const SOCK: CtxValue = { kind: "sock" };
export const SOCK_OR_NULL: CtxValue = { kind: "sock", nullable: true };
export const SOCK_COMMON_OR_NULL: CtxValue = { kind: "sock_common", nullable: true };

export interface CtxField {
  readonly name: string;
  /** bytes from the start */
  readonly off: number;
  /** of the whole field, all elements of an array */
  readonly size: number;
  /** widths that may be loaded; pointers never with sign */
  readonly load: number;
  readonly store: number;
  readonly gives: CtxValue;
  /** there only with these expected attach types */
  readonly attach?: readonly AttachTypeName[];
  /** without CAP_BPF: not loaded, not stored */
  readonly privileged?: "load" | "store";
}

export interface CtxLayout {
  /** as the program knows it; "" where it is no struct */
  readonly name: string;
  readonly size: number;
  /** two may share bytes: an access must fit one of them */
  readonly fields: readonly CtxField[];
}

export function field(
  name: string,
  off: number,
  size: number,
  load: number,
  store: number = NONE,
  gives: CtxValue = SCALAR,
): CtxField {
  return { name, off, size, load, store, gives };
}

/** The field with these attach types only. */
export function onlyWith(attach: readonly AttachTypeName[], f: CtxField): CtxField {
  return { ...f, attach };
}

export interface FieldAccess {
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  /** sign-extending load */
  readonly signed: boolean;
  readonly attachType: AttachTypeName | undefined;
}

function fits(f: CtxField, a: FieldAccess): boolean {
  const widths = a.write ? f.store : f.load;
  if ((widths & a.size) === 0 || a.off < f.off || a.off + a.size > f.off + f.size) return false;
  if ((widths & HEAD_ONLY) !== 0 && a.off !== f.off) return false;
  if (a.signed && f.gives.kind !== "scalar") return false;
  return f.attach === undefined || (a.attachType !== undefined && f.attach.includes(a.attachType));
}

/** The field that allows the access; undefined: none does. */
export function findField(fields: readonly CtxField[], a: FieldAccess): CtxField | undefined {
  return a.off % a.size === 0 ? fields.find((f) => fits(f, a)) : undefined;
}
