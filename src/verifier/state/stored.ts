// What a store puts into memory. Stores are many: a run has one of these, which each store fills anew.
import { type RegState, UNKNOWN } from "./regs.ts";

/** The regno of what is no register: an immediate, the result of an atomic operation. */
export const IMMEDIATE = -1;
const OPAQUE = -2;

/** A register's value, or another. Good for the insn at hand only. */
export interface Stored {
  readonly regno: number;
  readonly value: RegState;
}

/** The result of an atomic operation: only known to be a number. */
export const OPAQUE_STORED: Stored = { regno: OPAQUE, value: UNKNOWN };

export class StoredNow implements Stored {
  regno = IMMEDIATE;
  value: RegState = UNKNOWN;

  set(regno: number, value: RegState): Stored {
    this.regno = regno;
    this.value = value;
    return this;
  }
}
