// softirq bench: what one packet costs, engine beside engine on the same bytes in the same minute.
import { type BenchEngine, benchEngines, benchProg } from "../../runtime/bench.ts";
import { openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { EXIT, UsageError, defineCommand } from "./command.ts";
import { fmtTable, printJson } from "./output.ts";
import { parseCount, parsePair, parseValue, readBytes } from "./parse.ts";
import { fmtRate } from "./progress.ts";
import { checkRuns } from "./runnable.ts";

function parseEngines(text: string): BenchEngine[] {
  return text.split(",").map((name) => {
    const found = benchEngines.find((e) => e === name);
    if (found === undefined)
      throw new UsageError(`bench: --engine takes a list of ${benchEngines.join(", ")}, not '${name}'`);
    return found;
  });
}

export const bench = defineCommand({
  name: "bench",
  operands: "OBJECT",
  summary: "nanoseconds a packet and packets a second, engine beside engine",
  options: {
    ...OBJECT_OPTIONS,
    prog: { type: "string", value: "NAME", help: "the program, by function name" },
    engine: { type: "string", value: "LIST", help: "wasm, interp, kernel; default wasm" },
    data: {
      type: "string",
      value: "FILE|hex:…",
      help: "the packet; default a 64-byte UDP datagram over IPv4",
    },
    repeat: { type: "string", value: "N", help: "runs in one measurement, default 1000000" },
    set: { type: "string", multiple: true, value: "VAR=VALUE", help: "a global variable before load" },
  },
  run: async ({ operands, options }) => {
    const engines = parseEngines(options.engine ?? "wasm");
    const repeat = parseCount("repeat", options.repeat ?? "1000000", 1);
    const data = options.data === undefined ? undefined : readBytes("data", options.data);
    const opened = openObject(operands[0] ?? "", options);
    for (const pair of options.set ?? []) {
      const [name, value] = parsePair("set", pair, "VAR=VALUE");
      opened.set(name, parseValue(value));
    }
    const { name } = checkRuns(opened.prog(options.prog));
    const results = await benchProg(opened, name, {
      engines,
      repeat,
      ...(data === undefined ? {} : { data }),
    });
    if (options.json === true) {
      printJson({
        object: opened.spec.name,
        prog: name,
        repeat,
        engines: results.map((r) => ({
          engine: r.engine,
          ns_per_packet: r.ns,
          packets_per_second: r.packetsPerSecond,
        })),
      });
    } else {
      const rows = results.map((r) => [
        r.engine,
        r.ns.toFixed(2),
        fmtRate(r.packetsPerSecond),
        `${(r.ns / (results[0]?.ns ?? r.ns)).toFixed(2)}x`,
      ]);
      process.stdout.write(`${fmtTable(["ENGINE", "NS/PACKET", "RATE", "TIME"], rows)}\n`);
    }
    return EXIT.ok;
  },
});
