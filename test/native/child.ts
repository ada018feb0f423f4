// Runs scripts against the addon in processes of their own: what is tested here may end a process.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

// (module (import "env" "memory" (memory 1 65536 shared))
//  (func (export "spin") (param $word i32)                 until the u32 at $word is not zero
//  (func (export "spin_load") (param $word i32) (param $at i32) (result i32)    the same, reading at $at
//  (func (export "count") (param $at i32) (param $n i32)   i64.atomic.rmw.add 1 at $at, $n times
const WASM =
  "0061736d0100000001100360017f0060027f7f017f60027f7f0002120103656e76066d656d6f7279020301808004030403000102071c03047370696e" +
  "0000097370696e5f6c6f6164000105636f756e7400020a45030e0003402000fe100200450d000b0b1c01017f03402002200128020" +
  "06a21022000fe100200450d000b20020b1700034020004201fe1f03001a200141016b22010d000b0b";

const PRELUDE = `
  import { Worker } from "node:worker_threads";
  import * as fs from "node:fs";
  import { loadAddon } from "./native/binding.ts";
  import { attachSegment, segmentDirectory } from "./native/segments.ts";
  const { addon, reason } = loadAddon();
  if (addon === undefined) throw new Error("no addon: " + reason);
  const makeMemory = (pages = 4) => new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  const memory = makeMemory();
  const view = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const wasm = new WebAssembly.Module(Buffer.from("${WASM}", "hex"));
  const { spin, spin_load, count } = new WebAssembly.Instance(wasm, { env: { memory } }).exports;
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const inMs = (ms) => addon.clockNs() + BigInt(Math.round(ms * 1e6));
  const refusal = (call) => { try { call(); return "accepted"; } catch (e) { return (e.code ?? e.name) + ": " + e.message; } };
  const print = (value) => fs.writeSync(1, JSON.stringify(value, (_, v) => typeof v === "bigint" ? String(v) : v) + "\\n");
`;

function argv(script: string, args: readonly string[]): string[] {
  return ["--expose-gc", "--import", "tsx", "--input-type=module", "-e", PRELUDE + script, ...args];
}

export interface ChildResult {
  readonly status: number | null;
  readonly signal: string | null;
  readonly out: unknown[];
  readonly stderr: string;
}

/** Runs the script to its end; `out` is what it printed, a JSON value per line. */
export function runChild(script: string, ...args: string[]): ChildResult {
  const run = spawnSync(process.execPath, argv(script, args), {
    cwd: root,
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status: run.status, signal: run.signal, out: parseLines(run.stdout), stderr: run.stderr };
}

/** Starts the script; `firstLine` is there when it has printed one, `done` at its end. */
export function startChild(
  script: string,
  ...args: string[]
): { child: ChildProcess; firstLine: Promise<void>; done: Promise<ChildResult> } {
  const child = spawn(process.execPath, argv(script, args), {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  let stdout = "";
  let stderr = "";
  const done = new Promise<ChildResult>((resolveDone) => {
    child.on("close", (status, signal) => resolveDone({ status, signal, out: parseLines(stdout), stderr }));
  });
  const firstLine = new Promise<void>((resolveLine) => {
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes("\n")) resolveLine();
    });
    child.on("close", () => resolveLine());
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return { child, firstLine, done };
}

function parseLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}
