// The public ISA vectors, compiled without a verifier: r0 and nothing else. Skipped where they are not there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleConformance } from "../../src/isa/conformance_asm.ts";
import { decodeInsns } from "../../src/isa/decode.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { build, MEM } from "./harness.ts";

const DIR = new URL("../../../shared/conformance/", import.meta.url);
const files = existsSync(DIR) ? readdirSync(DIR).filter((name) => name.endsWith(".data")) : [];

// callx: an indirect call, which the kernel has not
const NOT_BPF = new Set(["callx.data", "call_unwind_fail.data"]);

function sectionsOf(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  let name = "";
  for (const line of text.split("\n")) {
    const head = /^-- (.*)$/.exec(line.trim());
    if (head !== null) sections.set((name = head[1]!.trim()), "");
    else if (name !== "") sections.set(name, `${sections.get(name)}${line.replace(/(^|\s)#.*$/, "")}\n`);
  }
  return sections;
}

function hexBytes(text: string): Uint8Array {
  return Uint8Array.from(
    text
      .split(/\s+/)
      .filter((byte) => byte !== "")
      .map((byte) => Number.parseInt(byte, 16)),
  );
}

function rawBytes(text: string): Uint8Array {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const bytes = new DataView(new ArrayBuffer(words.length * 8));
  words.forEach((word, i) => bytes.setBigUint64(i * 8, BigInt(word), true));
  return new Uint8Array(bytes.buffer);
}

/** r2 holds the length of the memory; a program's own function has r1 only. */
function withLength(insns: readonly (Insn | undefined)[], length: number): (Insn | undefined)[] {
  const moved = insns.map((insn) => {
    if (insn === undefined) return undefined;
    const at: Insn = { ...insn, pc: insn.pc + 1 };
    if ("target" in at) return { ...at, target: at.target + 1 };
    if (at.kind === "call" && at.callee.kind === "subprog") {
      return { ...at, callee: { ...at.callee, target: at.callee.target + 1 } };
    }
    return at;
  });
  const mov: Insn = {
    pc: 0,
    kind: "alu",
    op: "mov",
    width: 64,
    dst: 2,
    src: { kind: "imm", imm: length },
    signed: false,
  };
  return [mov, ...moved];
}

describe.skipIf(files.length === 0)("conformance vectors", () => {
  for (const concurrency of ["shared", "single"] as const) {
    it.each(files.filter((name) => !NOT_BPF.has(name)))(`%s, ${concurrency}`, (name) => {
      const sections = sectionsOf(readFileSync(new URL(name, DIR), "utf8"));
      const raw = sections.get("raw");
      const insns =
        raw === undefined ? assembleConformance(sections.get("asm")!) : decodeInsns(rawBytes(raw));
      const mem = hexBytes(sections.get("mem") ?? "");
      const machine = build(withLength(insns, mem.length), { options: { concurrency } });
      machine.memory.set(mem, MEM);
      expect(machine.run().toString(16)).toBe(BigInt(sections.get("result")!.trim()).toString(16));
    });
  }
});
