#!/usr/bin/env node
// softirq-conformance: the plugin protocol of bpf_conformance. A program as hex bytes on standard input, its memory
// as hex bytes in the first argument; r0 in hex on standard output. The program is verified and compiled like any
// other: as XDP, behind a prologue that puts the memory's address into r1 and its length into r2.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { BpfError } from "../spec/errors.ts";
import { runVector } from "./conformance_prog.ts";
import { parseEngineOptions } from "./engine_options.ts";

function parseHex(what: string, text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits))
    throw new BpfError("EINVAL", `${what} is not whole bytes in hex`);
  return new Uint8Array(Buffer.from(digits, "hex"));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { engine: { type: "string" }, checked: { type: "boolean" }, program: { type: "string" } },
    allowPositionals: true,
  });
  const memory = parseHex("memory", positionals[0] ?? "");
  const body = parseHex("program", values.program ?? readFileSync(0, "utf8"));
  const { engine, checked } = parseEngineOptions("softirq-conformance", values);
  const r0 = await runVector(body, memory, { engine, checked });
  process.stdout.write(`${r0.toString(16)}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`softirq-conformance: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
