// softirq diff: our run against the running kernel's. Says what differs first, or how much was compared.
import { type DiffResult, type Difference, diffProg } from "../../runtime/diff.ts";
import { loadKernelObject } from "../../runtime/engine/kernel/kernel_object.ts";
import { fillMaps } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { openCaptures } from "../pcap/index.ts";
import { EXIT, type OptionRows, UsageError, defineCommand } from "./command.ts";
import { ENGINE_OPTIONS, parseEngineOptions } from "./engine_options.ts";
import { stopOnInterrupt } from "./interrupt.ts";
import { printJson } from "./output.ts";
import { parseCount, parseCtx, parsePair, parseValue, readJsonFile } from "./parse.ts";
import { Progress } from "./progress.ts";
import { checkRuns } from "./runnable.ts";

const OPTIONS = {
  ...OBJECT_OPTIONS,
  prog: { type: "string", value: "NAME", help: "the program, by function name" },
  init: { type: "string", value: "NAME", help: "run this program once before, on both sides" },
  set: { type: "string", multiple: true, value: "VAR=VALUE", help: "a global variable before load" },
  map: { type: "string", multiple: true, value: "NAME=FILE", help: "fills a map before the run" },
  ctx: { type: "string", multiple: true, value: "NAME=VALUE", help: "a field of the context" },
  limit: { type: "string", value: "N", help: "only the first N packets" },
  repeat: { type: "string", value: "N", help: "the captures N times over" },
  cpus: { type: "string", value: "1", help: "the kernel runs packets on one CPU, and so do we" },
  keep: { type: "string", value: "N", help: "records compared, default 100000" },
  ...ENGINE_OPTIONS,
} as const satisfies OptionRows;

function fmtDifference(d: Difference): string {
  if (d.kind === "map")
    return `map ${d.map}, ${d.key.startsWith("record ") ? d.key : `key ${d.key}`}: ours ${d.ours}, kernel ${d.kernel}`;
  const where = d.offset === undefined ? d.field : `byte ${d.offset}`;
  return `packet ${d.packet}, ${where}: ours ${d.ours}, kernel ${d.kernel}`;
}

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

function fmtResult(prog: string, result: DiffResult): string {
  if (result.difference !== undefined) return `${prog}: ${fmtDifference(result.difference)}`;
  const records = result.records > 0 ? ` and ${plural(result.records, "record")}` : "";
  if (result.stopped)
    return `${prog}: ${plural(result.packets, "packet")} equal, stopped before the end; maps not compared`;
  return `${prog}: equal: ${plural(result.packets, "packet")}, ${plural(result.mapEntries, "map entry", "map entries")}${records} compared`;
}

export const diff = defineCommand({
  name: "diff",
  operands: "OBJECT PCAP…",
  summary: "our run against the running kernel's: the first packet, byte or map entry that differs",
  options: OPTIONS,
  run: async ({ operands, options }) => {
    const [objectPath = "", ...captures] = operands;
    if (captures.length === 0)
      throw new UsageError("diff: PCAP is missing; usage: softirq diff OBJECT PCAP…");
    if (captures.includes("-")) throw new UsageError("diff: captures are read twice: a pipe cannot be");
    parseCount("cpus", options.cpus ?? "1", 1, 1);
    const engine = parseEngineOptions("diff", options);
    const runOptions = {
      limit: parseCount("limit", options.limit ?? String(Number.MAX_SAFE_INTEGER)),
      repeat: parseCount("repeat", options.repeat ?? "1", 1),
      keep: parseCount("keep", options.keep ?? "100000"),
      ctx: parseCtx(options.ctx),
    };
    const opened = openObject(objectPath, options);
    for (const pair of options.set ?? []) {
      const [name, value] = parsePair("set", pair, "VAR=VALUE");
      opened.set(name, parseValue(value));
    }
    const { name } = checkRuns(opened.prog(options.prog));
    const init = options.init === undefined ? undefined : opened.prog(options.init).name;
    const progs = [name, ...(init === undefined ? [] : [init])];
    using kernel = loadKernelObject(opened, { progs });
    using object = await loadObject(opened, { ...engine, progs });
    for (const pair of options.map ?? []) {
      const [map, file] = parsePair("map", pair, "NAME=FILE");
      for (const side of [object, kernel]) fillMaps(side, map, readJsonFile(file), file);
    }
    const [source, again] = [openCaptures(captures), openCaptures(captures)];
    const progress = new Progress(process.stderr);
    const interrupt = stopOnInterrupt(object.world);
    let result: DiffResult;
    try {
      result = await diffProg(object, kernel, name, source, again, {
        ...runOptions,
        ...(init === undefined ? {} : { init }),
        onProgress: (done) => progress.show(done),
        onWarning: (line) => progress.print(`softirq: ${line}`),
      });
    } finally {
      progress.end();
      interrupt.uninstall();
      source.close();
      again.close();
    }
    const { captureErrors, ...shown } = result;
    for (const line of captureErrors) process.stderr.write(`softirq: ${line}\n`);
    if (options.json === true) {
      const { packets, mapEntries, records, stopped, difference = null } = shown;
      printJson({
        object: opened.spec.name,
        prog: name,
        equal: difference === null && !stopped,
        packets,
        map_entries: mapEntries,
        records,
        difference,
      });
    } else {
      process.stdout.write(`${fmtResult(name, result)}\n`);
    }
    if (interrupt.interrupted) return EXIT.interrupted;
    return result.difference === undefined && captureErrors.length === 0 ? EXIT.ok : EXIT.refused;
  },
});
