// The types of the running kernel, where it shows them. Read once, when they are first asked for.
import { existsSync, readFileSync } from "node:fs";
import type { Btf } from "../../src/btf/btf.ts";
import { openBtf } from "../../src/btf/parse.ts";

const PATH = "/sys/kernel/btf/vmlinux";

let known: { readonly btf: Btf | undefined } | undefined;

export function kernelBtf(): Btf | undefined {
  known ??= { btf: existsSync(PATH) ? openBtf(readFileSync(PATH), PATH) : undefined };
  return known.btf;
}
