// Makes data/kernel.btf.gz, the kernel's types for machines that have none: `npm run kernel-btf -- FILE`, FILE being
// such as /sys/kernel/btf/vmlinux. Which types come along is said in kernel_types.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { encodeBtf } from "../src/btf/encode.ts";
import { openBtf } from "../src/btf/parse.ts";
import { kfuncRow } from "../src/spec/kfuncs/index.ts";
import { FUNCS, PREFIXES, STRUCTS } from "./kernel_types.ts";
import { reduce } from "./reduce.ts";

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((p) => !p.includes("*")));
  const open = patterns.filter((p) => p.includes("*")).map((p) => `^${p.replaceAll("*", ".*")}$`);
  const pattern = new RegExp(open.join("|"));
  return (name) => exact.has(name) || (open.length > 0 && pattern.test(name));
}

const [path = ""] = process.argv.slice(2);
const struct = matcher(STRUCTS);
const func = matcher(FUNCS);
const startsWith = (name: string, prefixes: readonly string[]): boolean =>
  prefixes.some((p) => name.startsWith(p));
const kernel = openBtf(readFileSync(path), path);
const small = reduce(kernel, {
  struct,
  func: (name, tags) =>
    tags.includes("bpf_kfunc") ||
    kfuncRow(name) !== undefined ||
    startsWith(name, PREFIXES.func) ||
    func(name),
  typedef: (name) => startsWith(name, PREFIXES.typedef),
});
const bytes = gzipSync(encodeBtf(small), { level: 9 });
writeFileSync(new URL("kernel.btf.gz", import.meta.url), bytes);
process.stdout.write(`${small.count} of ${kernel.count} types, ${bytes.length} bytes\n`);
