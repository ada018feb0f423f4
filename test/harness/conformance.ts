// Reads the `.data` files of the public BPF conformance suite from ../shared/conformance, where that exists.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DIR = fileURLToPath(new URL("../../../shared/conformance/", import.meta.url));

/** False outside our own workshop: tests that need the vectors then skip. */
export const haveConformance = existsSync(DIR);

export interface Vector {
  readonly name: string;
  readonly asm: string;
  /** slots as u64, where the file gives them */
  readonly raw?: readonly bigint[];
  readonly mem?: Uint8Array;
  readonly result: bigint;
}

const SECTIONS = new Set(["asm", "raw", "mem", "result", "error", "c", "no register offset", ""]);

function sectionsOf(name: string, text: string): Map<string, string> {
  const sections = new Map<string, string>();
  let current = "";
  for (const line of text.split("\n")) {
    const m = /^-- (.*?)\s*$/.exec(line);
    if (m?.[1] !== undefined) {
      current = m[1];
      if (!SECTIONS.has(current)) throw new Error(`${name}: unknown section ${current}`);
      sections.set(current, "");
    } else {
      sections.set(current, `${sections.get(current) ?? ""}${line}\n`);
    }
  }
  return sections;
}

function words(text: string): string[] {
  return text
    .replace(/#.*$/gm, "")
    .split(/\s+/)
    .filter((w) => w !== "");
}

function parseVector(name: string, text: string): Vector {
  const sections = sectionsOf(name, text);
  const [asm, raw, mem, result] = ["asm", "raw", "mem", "result"].map((s) => sections.get(s));
  const value = words(result ?? "")[0];
  if (asm === undefined || value === undefined) throw new Error(`${name}: no asm or no result`);
  return {
    name,
    asm,
    result: BigInt(value),
    ...(raw === undefined ? {} : { raw: words(raw).map(BigInt) }),
    ...(mem === undefined ? {} : { mem: Uint8Array.from(words(mem), (w) => Number.parseInt(w, 16)) }),
  };
}

/** All vectors, by name. */
export function readVectors(): Vector[] {
  if (!haveConformance) return [];
  const files = readdirSync(DIR).filter((f) => f.endsWith(".data"));
  return files.sort().map((f) => parseVector(f.replace(/\.data$/, ""), readFileSync(DIR + f, "utf8")));
}
