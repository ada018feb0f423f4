// Peak memory of a run over a capture far larger than memory, with a verdict line for each packet.
import { statSync } from "node:fs";
import { join } from "node:path";
import { makeCapture } from "./capture.mjs";
import { runCommand } from "./start.mjs";
import { printTable } from "./table.mjs";

const OBJECT = new URL("../test/objects/bench.o", import.meta.url).pathname;
const BYTES = 5e9;
const GOAL_MB = 300;
/** In the measured process: says its peak when it ends. */
const TELL =
  'data:text/javascript,process.on("exit",()=>process.stderr.write(`peak=${process.resourceUsage().maxRSS}\\n`))';

export function big(dir) {
  const capture = join(dir, "big.pcap");
  const verdicts = join(dir, "verdicts.jsonl");
  const packets = makeCapture(capture, { bytes: BYTES, flows: 4096, len: 1024 });
  const { ms, stderr } = runCommand(
    ["run", OBJECT, capture, "--prog", "count", "--verdicts", verdicts, "--json"],
    ["--import", TELL],
  );
  const peak = Number(/peak=(\d+)/.exec(stderr)?.[1]) / 1024;
  printTable(
    `a capture of ${(statSync(capture).size / 1e9).toFixed(2)} GB with --verdicts (goal below ${GOAL_MB} MB: ${peak < GOAL_MB ? "met" : "missed"})`,
    ["PACKETS", "PEAK MEMORY", "TIME", "VERDICTS"],
    [
      [
        packets,
        `${peak.toFixed(0)} MB`,
        `${(ms / 1e3).toFixed(1)} s`,
        `${(statSync(verdicts).size / 1e6).toFixed(0)} MB`,
      ],
    ],
  );
}
