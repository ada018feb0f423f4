// What the interpreter does instead of an access to __sk_buff, where the kernel keeps a field in fewer bytes than programs
// see. The same facts as emitted code goes by, applied a second time on purpose.
import type { Insn } from "../../src/isa/insn.ts";
import { heldLoadOff, heldStore } from "../../src/spec/ctx_held.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import type { InterpEnv } from "./interp.ts";
import type { Frame } from "./interp_insn.ts";

function isRefused(insn: Insn & { kind: "st" }, from: number, frame: Frame): boolean {
  if (insn.src.kind === "imm") return insn.src.imm >= from;
  return (frame.regs[insn.src.regno] ?? 0n) >= BigInt(from);
}

/** Undefined where programs of this type have no such context. */
export function heldAccess({ prog, aux }: VerifiedProg): InterpEnv["instead"] {
  if (RUN_TYPES[prog.type]?.frames !== "skb") return undefined;
  return (insn, frame) => {
    if (!("base" in insn) || aux[insn.pc]?.access?.kinds[0] !== "ctx") return insn;
    if (insn.kind === "ldx") return { ...insn, off: heldLoadOff(insn.off, insn.size) };
    const field = insn.kind === "st" ? heldStore(insn.off) : undefined;
    if (insn.kind !== "st" || field === undefined) return insn;
    if (field.refusedFrom !== undefined && isRefused(insn, field.refusedFrom, frame)) return undefined;
    return { ...insn, size: field.held };
  };
}
