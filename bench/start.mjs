// From the command to its answer: a whole process for one packet, with and without a compiled module on disk.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { makeCapture } from "./capture.mjs";
import { printTable } from "./table.mjs";

const MAIN = new URL("../dist/src/cli/main.js", import.meta.url).pathname;
const OBJECT = new URL("../test/objects/bench.o", import.meta.url).pathname;

export function runCommand(args, node = []) {
  const from = performance.now();
  const done = spawnSync(process.execPath, [...node, MAIN, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (done.status !== 0)
    throw new Error(`softirq ${args.join(" ")} ended with ${done.status ?? done.signal}: ${done.stderr}`);
  return { ms: performance.now() - from, stdout: done.stdout, stderr: done.stderr };
}

export function start(dir) {
  const capture = join(dir, "one.pcap");
  makeCapture(capture, { packets: 1, flows: 1, len: 64 });
  const command = ["run", OBJECT, capture, "--prog", "count"];
  const cases = [
    ["softirq --version", ["--version"]],
    ["softirq verify, three programs", ["verify", OBJECT]],
    ["softirq run, one packet, compiled anew", [...command, "--no-cache"]],
    ["softirq run, one packet, module from disk", command],
  ];
  runCommand(command); // fills the cache
  const rows = cases.map(([label, args]) => [
    label,
    `${Math.min(...Array.from({ length: 5 }, () => runCommand(args).ms)).toFixed(0)} ms`,
  ]);
  printTable("whole processes", ["COMMAND", "TIME"], rows);
}
