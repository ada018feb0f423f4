// Builds the library: asc into dist/runtime/wasm/lib.wasm. Fails if the module carries anything that an instantiation
// would write into a live world or that a linked module could not share: state of its own, or other imports.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const out = join(root, "dist/runtime/wasm/lib.wasm");
const asc = join(dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")), "bin/asc.js");

const OPTIONS = [
  "--runtime stub --enable threads --enable simd --sharedMemory --importMemory",
  "--importTable --noExportMemory --initialMemory 1 --maximumMemory 65536 -O3 --debug",
].join(" ");

const IMPORTS = new Set(["env.memory", "env.table", "env.prog", "env.wait"]);
// id -> name of the sections that must not be there
const REFUSED = new Map([
  [4, "table"],
  [5, "memory"],
  [6, "global"],
  [8, "start"],
  [9, "element"],
  [11, "data"],
]);

function sections(bytes) {
  const found = [];
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    found.push(id);
    at += size;
  }
  return found;
}

export function checkModule(bytes) {
  const problems = sections(bytes)
    .filter((id) => REFUSED.has(id))
    .map((id) => `has a ${REFUSED.get(id)} section`);
  for (const { module, name } of WebAssembly.Module.imports(new WebAssembly.Module(bytes))) {
    if (!IMPORTS.has(`${module}.${name}`)) problems.push(`imports ${module}.${name}`);
  }
  return problems;
}

function main() {
  mkdirSync(dirname(out), { recursive: true });
  const args = [asc, relative(root, join(here, "assembly/index.ts")), ...OPTIONS.split(" "), "-o", out];
  const run = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (run.status !== 0) process.exit(1);
  const problems = checkModule(readFileSync(out));
  for (const problem of problems) console.error(`lib.wasm: ${problem}`);
  if (problems.length > 0) process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
