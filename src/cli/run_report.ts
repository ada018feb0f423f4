// A run's totals, as the JSON document scripts read and as lines for people.
import { RUN_TYPES, type Verdict, verdictClasses } from "../spec/run_types.ts";
import type { RunResult } from "../../runtime/run.ts";
import { fmtRate } from "./progress.ts";
import { fmtTable } from "./output.ts";

/** Packets by what `nameOf` calls their verdicts; undefined: not shown. */
function countVerdicts(
  { progType, verdicts }: RunResult,
  nameOf: (verdict: Verdict) => string | undefined,
): Record<string, number> {
  const run = RUN_TYPES[progType];
  const counts: Record<string, number> = {};
  for (const [i, verdict] of (run === undefined ? [] : verdictClasses(run)).entries()) {
    const name = nameOf(verdict);
    const n = verdicts[i] ?? 0;
    if (name !== undefined && n > 0) counts[name] = (counts[name] ?? 0) + n;
  }
  return counts;
}

/** People are told what becomes of the packets also where return values have no names. */
const nameForPeople = ({ name, leaves }: Verdict): string => name ?? (leaves ? "kept" : "dropped");

const ran = (result: RunResult): number => result.packets - result.errors;
const nsPerPacket = (result: RunResult): number =>
  ran(result) === 0 ? 0 : Number(result.elapsedNs) / ran(result);
const packetsPerSecond = (result: RunResult): number =>
  result.elapsedNs === 0n ? 0 : (ran(result) * 1e9) / Number(result.elapsedNs);

export function runResultToJson(object: { readonly name: string }, result: RunResult) {
  return {
    object: object.name,
    prog: result.prog,
    packets: result.packets,
    errors: result.errors,
    bytes: result.bytes.toString(),
    verdicts: countVerdicts(result, ({ name }) => name),
    elapsed_ns: result.elapsedNs.toString(),
    ns_per_packet: Number(nsPerPacket(result).toFixed(2)),
    packets_per_second: Math.round(packetsPerSecond(result)),
    clock: result.clock,
    cpus: result.cpus,
    timers: result.timers,
    printk: { lines: result.events.printk.items, lost: result.events.printk.lost },
  };
}

export function fmtRunResult(result: RunResult): string {
  const counts = Object.entries(countVerdicts(result, nameForPeople));
  const total = ran(result);
  const rows = counts.map(([name, n]) => [name, n, `${((n / total) * 100).toFixed(1)}%`] as const);
  const lines = [
    `${result.prog}: ${result.packets} packet${result.packets === 1 ? "" : "s"}, ${result.bytes} bytes${result.errors > 0 ? `, ${result.errors} could not be run` : ""}`,
    fmtTable(["VERDICT", "PACKETS", "SHARE"], rows),
    total === 0
      ? ""
      : `${nsPerPacket(result).toFixed(1)} ns per packet, ${fmtRate(packetsPerSecond(result))} on ${result.cpus} CPU${result.cpus === 1 ? "" : "s"}`,
    ...result.events.printk.items.map((line) => `printk: ${line}`),
    result.events.printk.lost > 0 ? `printk: ${result.events.printk.lost} lines lost` : "",
  ];
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}
