// softirq run: the main job. Packets in, verdicts, packets, maps out. Parses what was asked, opens the sinks,
// and prints; the run itself is the runtime's.
import { CaptureWriter, openCaptures } from "../pcap/index.ts";
import { openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { fmtResult } from "../../runtime/replay/result.ts";
import type { RunOptions, RunResult } from "../../runtime/run.ts";
import { fillMaps, mapsToJson } from "../../runtime/json/maps.ts";
import type { ShownObject } from "../../runtime/json/shown.ts";
import { EXIT, type OptionRows, type OptionValues, UsageError, defineCommand } from "./command.ts";
import {
  ENGINES_AND_KERNEL,
  ENGINE_OPTIONS,
  KERNEL_ENGINE_OPTION,
  parseEngineOptions,
  wantsKernel,
} from "./engine_options.ts";
import { TextSink, printJson } from "./output.ts";
import {
  parseCount,
  parseCtx,
  parseDuration,
  parsePair,
  parseU64,
  parseValue,
  readJsonFile,
} from "./parse.ts";
import { Progress } from "./progress.ts";
import { fmtRunResult, runResultToJson } from "./run_report.ts";
import { parseOutMask } from "./out_verdict.ts";
import { type Runnable, checkRuns, loadKernelRunnable, loadRunnable } from "./runnable.ts";

const OPTIONS = {
  ...OBJECT_OPTIONS,
  prog: { type: "string", value: "NAME", help: "the program to run, by function name" },
  out: { type: "string", value: "FILE.pcap", help: "packets as they left" },
  "out-verdict": {
    type: "string",
    value: "LIST",
    help: "which verdicts go to --out; default: packets that go on",
  },
  verdicts: { type: "string", value: "FILE", help: "one JSON line per packet" },
  maps: { type: "string", value: "FILE", help: "the maps after the run, as JSON" },
  all: { type: "boolean", help: "with --maps: every array element, zero ones too" },
  clock: {
    type: "string",
    value: "virtual|real",
    help: "virtual: time is the capture's (default); real: packets at their pace, timers in real time",
  },
  speed: { type: "string", value: "X", help: "with --clock real: so many times as fast as it was recorded" },
  until: { type: "string", value: "DURATION", help: "the clock goes on for so long after the last packet" },
  cpus: { type: "string", value: "N", help: "simulated CPUs, packets spread by flow hash" },
  parallel: { type: "boolean", help: "with --cpus: one thread for each CPU, without a promise about order" },
  init: { type: "string", value: "NAME", help: "run this program once before the run" },
  limit: { type: "string", value: "N", help: "only the first N packets" },
  repeat: { type: "string", value: "N", help: "the captures N times over" },
  set: { type: "string", multiple: true, value: "VAR=VALUE", help: "a global variable before load" },
  map: { type: "string", multiple: true, value: "NAME=FILE", help: "fills a map before the run" },
  ctx: { type: "string", multiple: true, value: "NAME=VALUE", help: "a field of the context" },
  seed: { type: "string", value: "N", help: "seed of bpf_get_prandom_u32" },
  keep: { type: "string", value: "N", help: "records and printk lines kept, default 100000 each" },
  ...ENGINE_OPTIONS,
  ...KERNEL_ENGINE_OPTION,
} as const satisfies OptionRows;

type Values = OptionValues<typeof OPTIONS & { json: { type: "boolean"; help: string } }>;

/** Standard output can be given away once, and then nothing else is printed there. */
function checkStdout(options: Values): boolean {
  const takers = [options.out, options.verdicts, options.maps].filter((f) => f === "-").length;
  if (takers > 1) throw new UsageError("run: standard output (-) can be given to one file only");
  if (takers > 0 && options.json === true)
    throw new UsageError("run: standard output (-) is taken by --json");
  return takers === 0;
}

function refuseMixed(options: Values): void {
  const { clock = "virtual" } = options;
  if (clock !== "virtual" && clock !== "real")
    throw new UsageError(`run: --clock takes virtual or real, not '${clock}'`);
  if (options.speed !== undefined && clock !== "real")
    throw new UsageError("run: --speed is for --clock real");
  if (options.parallel === true && clock === "real")
    throw new UsageError("run: --parallel is not for --clock real: packets come at their own pace");
  if (options.parallel === true && (options.engine ?? "wasm") !== "wasm")
    throw new UsageError(`run: --parallel needs --engine wasm: '${options.engine}' runs on one thread only`);
}

function parseSpeed(text: string): number {
  const speed = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(speed > 0 && speed <= 1e9))
    throw new UsageError(`run: --speed takes a number above 0 such as 10 or 0.5, not '${text}'`);
  return speed;
}

/** The interpreter has one thread: its callbacks run between two turns of the event loop. */
const clockOptions = ({ clock, engine }: Values) =>
  clock === "real" ? ({ clock, loop: engine === "interp" ? "main" : "worker" } as const) : {};

/** Whatever ends the run, files that were begun are completed. */
function closeAll(sinks: readonly ({ close(): void } | undefined)[]): void {
  for (const sink of sinks) sink?.close();
}

/** Whatever comes of it, no clock goes on behind it. */
async function ended<T>(runnable: Runnable, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    await runnable.end();
  }
}

/** The result, after what must be done whether there is one or not. */
async function finished<T>(running: Promise<T>, after: () => Promise<void>): Promise<T> {
  try {
    return await running;
  } finally {
    await after();
  }
}

function writeMaps(path: string, object: ShownObject, result: RunResult, all: boolean): void {
  const sink = new TextSink(path);
  sink.write(`${JSON.stringify(mapsToJson(object, { all, events: result.events }))}\n`);
  sink.close();
}

export const run = defineCommand({
  name: "run",
  operands: "OBJECT PCAP…",
  summary: "run a program over captures",
  options: OPTIONS,
  run: async ({ operands, options }) => {
    const [objectPath = "", ...captures] = operands;
    if (captures.length === 0) throw new UsageError("run: PCAP is missing; usage: softirq run OBJECT PCAP…");
    const mayPrint = checkStdout(options);
    refuseMixed(options);
    if (options.engine === "kernel" && options.clock === "virtual")
      throw new UsageError("run: --engine kernel has a real clock: --clock virtual cannot be had with it");
    const inKernel = wantsKernel("run", options, [
      ["seed", options.seed !== undefined],
      ["until", options.until !== undefined],
      ["speed", options.speed !== undefined],
      ["cpus", (options.cpus ?? "1") !== "1"],
    ]);
    const engine = inKernel ? undefined : parseEngineOptions("run", options, ENGINES_AND_KERNEL);
    const ctx = parseCtx(options.ctx);
    const limits = {
      limit: parseCount("limit", options.limit ?? String(Number.MAX_SAFE_INTEGER)),
      repeat: parseCount("repeat", options.repeat ?? "1", 1),
      keep: parseCount("keep", options.keep ?? "100000"),
    };
    const speed = parseSpeed(options.speed ?? "1");
    const until = options.until === undefined ? 0n : parseDuration("until", options.until);
    const cpus = parseCount("cpus", options.cpus ?? "1", 1, 64);
    const seed = options.seed === undefined ? undefined : parseU64("seed", options.seed);

    const opened = openObject(objectPath, options);
    for (const pair of options.set ?? []) {
      const [name, value] = parsePair("set", pair, "VAR=VALUE");
      opened.set(name, parseValue(value));
    }
    const prog = checkRuns(opened.prog(options.prog));
    const outMask = parseOutMask(prog.type, options.out, options["out-verdict"]);
    const source = openCaptures(captures);
    const progs = [prog.name, ...(options.init === undefined ? [] : [opened.prog(options.init).name])];
    const runnable =
      engine === undefined
        ? loadKernelRunnable(opened, progs)
        : await loadRunnable(opened, {
            ...engine,
            progs,
            cpus,
            ...clockOptions(options),
            ...(seed === undefined ? {} : { seed }),
          });
    if (runnable.clockNote !== undefined) process.stderr.write(`softirq: ${runnable.clockNote}\n`);
    return ended(runnable, async () => {
      const { object } = runnable;
      for (const pair of options.map ?? []) {
        const [name, file] = parsePair("map", pair, "NAME=FILE");
        fillMaps(object, name, readJsonFile(file), file);
      }
      const out =
        options.out === undefined
          ? undefined
          : CaptureWriter.create(options.out, { nanoseconds: source.nanoseconds });
      const verdicts = options.verdicts === undefined ? undefined : new TextSink(options.verdicts);
      const progress = new Progress(process.stderr);
      const interrupt = runnable.stopOnInterrupt();
      const runOptions: RunOptions = {
        ...limits,
        speed,
        until,
        ctx,
        outMask,
        outNanoseconds: source.nanoseconds,
        parallel: options.parallel === true,
        ...(options.init === undefined ? {} : { init: options.init }),
        ...(verdicts === undefined ? {} : { onPacket: (r) => verdicts.write(`${fmtResult(r)}\n`) }),
        ...(out === undefined ? {} : { onFrames: (records) => out.append(records) }),
        onProgress: (done) => progress.show(done),
        onWarning: (line) => progress.print(`softirq: ${line}`),
      };
      let status: number = EXIT.ok;
      // Until all is written: a signal must not end the process half-way through a file.
      try {
        const result = await finished(runnable.run(prog.name, source, runOptions), async () => {
          await runnable.end();
          progress.end();
          closeAll([out, verdicts, source]);
        });
        if (options.maps !== undefined) writeMaps(options.maps, object, result, options.all === true);
        for (const line of result.captureErrors) process.stderr.write(`softirq: ${line}\n`);
        if (options.json === true) printJson(runResultToJson(object, result));
        else if (mayPrint) process.stdout.write(fmtRunResult(result));
        object.close();
        if (result.captureErrors.length > 0) status = EXIT.refused;
      } finally {
        interrupt.uninstall();
      }
      return interrupt.interrupted ? EXIT.interrupted : status;
    });
  },
});
