// Every load and store of every context, at every offset and width, beside what the kernel said (ctx_kernel.jsonl).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Size } from "../../src/isa/insn.ts";
import { type CtxLayout, findField } from "../../src/spec/ctx/field.ts";
import { SOCK_LAYOUTS } from "../../src/spec/ctx/layouts.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import {
  type AccessMode,
  accessProgram,
  type CtxVariant,
  flagsOf,
  KINDS,
  MODES,
  offsetsOf,
  POINTERS,
  refusalOf,
  SLEEPABLE,
  VARIANTS,
  WIDTHS,
  widthsOf,
} from "./ctx_programs.ts";
import { prog } from "./harness.ts";
import { KERNEL_MAPS } from "./kernel_maps.ts";

interface Recorded extends CtxVariant {
  readonly access: string;
  /** refusals in other words: offset, width, mode, errno, words */
  readonly odd: readonly (readonly [number, number, string, number, string])[];
}

const contexts = readFileSync(join(import.meta.dirname, "ctx_kernel.jsonl"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => JSON.parse(line) as Recorded);

interface Verdict {
  readonly code: string;
  readonly reason: string;
  /** what the log shows in r2 after the access */
  readonly r2: string;
}

function ours(v: CtxVariant, mode: AccessMode, off: number, size: Size): Verdict {
  const one = prog("", {
    type: v.type,
    ...(v.attach === undefined ? {} : { expectedAttachType: v.attach }),
    flags: flagsOf(v) === SLEEPABLE ? ["sleepable"] : [],
    maps: KERNEL_MAPS,
    insns: accessProgram(v, mode, off, size),
    funcs: [{ pc: 0, typeId: 0 }],
  });
  try {
    const { log } = verify(one, { logLevel: mode === "load" ? 2 : 0 });
    const r2 = /R2(?:_w)?=([a-z_]+)/.exec(log.find((l) => l.includes("R2")) ?? "")?.[1];
    return { code: "", reason: "", r2: r2 ?? "" };
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return { code: e.code, reason: e.reasons[0] ?? "", r2: "" };
  }
}

/** The characters of one offset, and the refusals that do not use the kernel's words. */
function ask(v: CtxVariant, off: number): { cell: string; wrong: string[] } {
  const wrong: string[] = [];
  let cell = "";
  let kind = "-";
  for (const mode of MODES) {
    let mask = 0;
    for (const size of WIDTHS) {
      if (mode === "load_signed" && size === 8) continue;
      const { code, reason, r2 } = ours(v, mode, off, size);
      if (code === "") mask |= size;
      else if (code !== "EACCES" || reason !== refusalOf(v, mode, off, size))
        wrong.push(`${mode} off=${off} size=${size}: ${code} ${reason}`);
      if (mode === "load" && r2 !== "" && v.pointer === undefined) kind = KINDS[r2] ?? r2;
    }
    cell += mask.toString(16);
  }
  return { cell: cell + kind, wrong };
}

function describeCell(cell: string): string {
  const [load, store, signed] = [...cell].map((c) => widthsOf(Number.parseInt(c, 16)).join(" ") || "-");
  return `load ${load}, store ${store}, signed ${signed}, gives ${cell[3]}`;
}

/** Helpers that give these are not there yet: their rows are asked instead of the verifier. */
const ROWS_ONLY: Readonly<Record<string, CtxLayout>> = {
  tcp_sock: SOCK_LAYOUTS.tcp_sock,
  xdp_sock: SOCK_LAYOUTS.xdp_sock,
};

function askRows({ fields }: CtxLayout, off: number): string {
  const masks = MODES.map((mode) =>
    WIDTHS.filter((size) => mode === "load" || (mode === "load_signed" && size < 8))
      .filter((size) => findField(fields, { off, size, write: false, signed: false, attachType: undefined }))
      .reduce((sum, size) => sum + size, 0),
  );
  return `${masks.map((m) => m.toString(16)).join("")}-`;
}

/** Where Linux's own rows let a load pass that its next step cannot make: we refuse it at once. */
const ODD: ReadonlySet<string> = new Set(["verifier bug: error during ctx access conversion (0)"]);

/** Fields that point to structs of the kernel, whose types the verifier is not given: refused by name. */
const NEEDS_KERNEL_TYPES: ReadonlySet<string> = new Set(["800t", "800T"]);

describe("contexts as Linux has them", () => {
  it("every variant is recorded", () => {
    expect(contexts).toEqual([...VARIANTS, ...POINTERS].map((v) => expect.objectContaining(v)));
    expect(contexts.flatMap((c) => c.odd).filter(([, , , , words]) => !ODD.has(words))).toEqual([]);
  });

  it.each(contexts)("$pointer.kind $type $attach", (v) => {
    const differ: string[] = [];
    offsetsOf(v).forEach((off, i) => {
      const want = v.access.slice(i * 4, i * 4 + 4);
      const rows = ROWS_ONLY[v.pointer?.kind ?? ""];
      const { cell, wrong } = rows === undefined ? ask(v, off) : { cell: askRows(rows, off), wrong: [] };
      if (NEEDS_KERNEL_TYPES.has(want)) {
        expect(wrong).toEqual([expect.stringContaining("EOPNOTSUPP")]);
        return;
      }
      if (cell !== want) differ.push(`${off}: ${describeCell(cell)}; Linux: ${describeCell(want)}`);
      differ.push(...wrong);
    });
    expect(differ).toEqual([]);
  });
});
