// What the arguments of one call of a kernel function teach about it: gathered while they are checked, used for what
// the call does and returns.
import type { TypeRef } from "../btf/match.ts";
import type { Field } from "../btf/fields.ts";
import type { IrqCall } from "../objects/irq_flag.ts";
import type { LockCall } from "../locks/locks.ts";
import type { MemArg, NewDynptr } from "../call/call_meta.ts";
import type { FieldOwner } from "../call/special_args.ts";
import type { FoundDynptr } from "../objects/dynptr.ts";
import type { Kfunc } from "./desc.ts";

/** Where an iterator lies, and of which kind it is. */
export interface IterPlace {
  readonly frameno: number;
  readonly spi: number;
  readonly slots: number;
  readonly name: string;
}

export class KfuncMeta {
  /** the reference an argument holds */
  refId = 0;
  /** the argument that is given back, 0 = none */
  releaseRegno = 0;
  /** the argument that must be constant */
  constant: bigint | undefined = undefined;
  /** the type of an object of the program's own */
  object: TypeRef | undefined = undefined;
  /** the object is owned, not only seen under a lock */
  owning = false;
  /** the list head or tree root */
  graphRoot: Field | undefined = undefined;
  /** index of the map argument, -1 = none */
  map = -1;
  /** where the timer or work item lies */
  owner: FieldOwner | undefined = undefined;
  /** the lock that is taken or given back */
  lock: LockCall | undefined = undefined;
  /** saved interrupt flags */
  irq: IrqCall | undefined = undefined;
  callback = -1;
  /** bytes of memory that is returned, 0 = its type says */
  retSize = 0;
  retReadOnly = false;
  /** memory the function reads and writes */
  readonly mem: MemArg[] = [];
  /** the dynptr that was there before */
  dynptr: FoundDynptr | undefined = undefined;
  /** the dynptr that is made */
  newDynptr: NewDynptr | undefined = undefined;
  /** the iterator's first slot */
  iter: IterPlace | undefined = undefined;

  constructor(readonly kfunc: Kfunc) {}
}
