// The verifier's "no": where, what and why, with the log up to there. Knows nothing of how it was found.
import { BpfError, type ErrnoName } from "../spec/errors.ts";
import type { VerifyStats } from "./proof.ts";

export interface Rejection {
  readonly code: ErrnoName;
  /** the kernel's last words, most often one line */
  readonly reasons: readonly string[];
  /** insn slot; -1 where the refusal concerns the whole program */
  readonly pc: number;
  /** the insn as the log prints it, empty where pc is -1 */
  readonly insn: string;
  /** "file.c:12" and the source text, if the object says so */
  readonly source: string | undefined;
  readonly log: readonly string[];
  readonly stats: VerifyStats;
  /** what to write instead, where that is clear */
  readonly hint: string | undefined;
}

export class VerifierError extends BpfError {
  readonly pc: number;
  readonly insn: string;
  readonly source: string | undefined;
  readonly reasons: readonly string[];
  readonly log: readonly string[];
  readonly stats: VerifyStats;
  readonly hint: string | undefined;

  constructor(r: Rejection) {
    const where = r.pc < 0 ? "" : `${r.pc}: ${r.insn}: `;
    super(r.code, `${where}${r.reasons.join("; ")}${r.hint === undefined ? "" : ` (${r.hint})`}`);
    this.name = "VerifierError";
    this.pc = r.pc;
    this.insn = r.insn;
    this.source = r.source;
    this.reasons = r.reasons;
    this.log = r.log;
    this.stats = r.stats;
    this.hint = r.hint;
  }
}
