// What the arguments of a helper call teach about it: its map, its key, the memory it reads and overwrites, what it makes
// and gives back. Filled while the arguments are checked, read when the call is made.
import type { TypeRef } from "../btf/match.ts";
import type { FoundDynptr } from "../objects/dynptr.ts";
import type { Field } from "../btf/fields.ts";
import type { LockCall } from "../locks/locks.ts";
import type { FieldOwner } from "./special_args.ts";
import type { DynptrType } from "../state/stack.ts";
import type { ObjectPlace } from "../stack/place.ts";

/** Memory that a helper reads or overwrites through an argument. */
export interface MemArg {
  readonly regno: number;
  readonly size: number;
  readonly write: boolean;
  /** overwritten whole, never read: need not be initialised */
  readonly wholly: boolean;
}

/** A dynptr that is made: where. */
export interface NewDynptr {
  readonly place: ObjectPlace;
  readonly type: DynptrType;
}

export interface CallMeta {
  dynptr: FoundDynptr | undefined;
  newDynptr: NewDynptr | undefined;
  map: number;
  /** the key's value if it is a constant */
  constKey: number | undefined;
  callback: number;
  /** the map a timer argument came from */
  owner: FieldOwner | undefined;
  /** the greatest length given so far */
  maxSize: number;
  /** the constant length of what is returned */
  allocSize: number;
  /** the reference an argument holds */
  refId: number;
  /** the argument that is given back, 0 = none */
  releaseRegno: number;
  /** the type of a per-CPU variable */
  percpu: TypeRef | undefined;
  /** it is not the kernel's, but an object of the program's own */
  percpuObject: boolean;
  /** the pointer field that is exchanged */
  field: Field | undefined;
  /** the lock that is taken or given back */
  lock: LockCall | undefined;
  readonly mem: MemArg[];
}

export function newCallMeta(): CallMeta {
  return {
    dynptr: undefined,
    newDynptr: undefined,
    map: -1,
    constKey: undefined,
    callback: -1,
    owner: undefined,
    maxSize: 0,
    allocSize: 0,
    refId: 0,
    releaseRegno: 0,
    percpu: undefined,
    percpuObject: false,
    field: undefined,
    lock: undefined,
    mem: [],
  };
}
