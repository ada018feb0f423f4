// Plants one bug in a copy of the sources and looks for it with random programs. The copy is thrown away.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { PlantedBug } from "./bugs.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const COPIED = ["src", "jit", "runtime", "test/diff", "test/harness", "package.json", "tsconfig.json"];
const LINKED = ["node_modules", "dist"];

/** Replaces text that must occur exactly once. */
export function patched(text: string, { name, file, find, replace }: PlantedBug): string {
  const parts = text.split(find);
  if (parts.length !== 2)
    throw new Error(`${name}: '${find}' occurs ${parts.length - 1} times in ${file}, not once`);
  return parts.join(replace);
}

/** Throws if the bug no longer applies to the sources. */
export function checkApplies(bug: PlantedBug): void {
  patched(readFileSync(join(ROOT, bug.file), "utf8"), bug);
}

export interface Found {
  /** undefined: no program showed the bug */
  readonly seed: number | undefined;
  readonly how: string;
}

export interface Search {
  readonly seed: number;
  readonly count: number;
}

/** Runs random programs on a copy with the bug in it, until one fails. */
export async function findBug(bug: PlantedBug | undefined, { seed, count }: Search): Promise<Found> {
  const copy = mkdtempSync(join(tmpdir(), "softirq-planted-"));
  try {
    mkdirSync(join(copy, "test"));
    for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    for (const path of LINKED) symlinkSync(join(ROOT, path), join(copy, path));
    if (bug !== undefined) {
      const file = join(copy, bug.file);
      writeFileSync(file, patched(readFileSync(file, "utf8"), bug));
    }
    return parse(await search(copy, seed, count));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Compiled once and without checks: quicker than a loader that compiles while it runs. */
const TSCONFIG = {
  extends: "./tsconfig.json",
  compilerOptions: { noEmit: false, noCheck: true, declaration: false, rootDir: ".", outDir: "out" },
  include: ["src", "jit", "runtime", "test"],
};

const run = promisify(execFile);

async function search(copy: string, seed: number, count: number): Promise<string> {
  writeFileSync(join(copy, "tsconfig.planted.json"), JSON.stringify(TSCONFIG));
  await run(join(copy, "node_modules/.bin/tsc"), ["-p", "tsconfig.planted.json"], { cwd: copy });
  const args = [
    "out/test/diff/run_random.js",
    "--brief",
    "--failures",
    "1",
    "--seed",
    `${seed}`,
    "--count",
    `${count}`,
  ];
  try {
    const { stdout } = await run(process.execPath, args, { cwd: copy, maxBuffer: 1 << 24 });
    return stdout;
  } catch (error) {
    // a search that found something ends with 1
    const { code, stdout } = error as { readonly code?: number; readonly stdout?: string };
    if (code !== 1 || stdout === undefined || !/^seed /m.test(stdout)) throw error;
    return stdout;
  }
}

function parse(out: string): Found {
  const found = /^seed (\d+): (.*)$/m.exec(out);
  if (found !== null) return { seed: Number(found[1]), how: found[2] ?? "" };
  const last = out.trim().split("\n").at(-1) ?? "";
  if (!last.includes(", 0 failures")) throw new Error(`the search ended with '${last}'`);
  return { seed: undefined, how: last };
}
