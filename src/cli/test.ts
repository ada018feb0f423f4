// softirq test: one packet in, everything that became of it out.
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { runTypeOf } from "../../runtime/cpu/walk_flags.ts";
import { verdictNames } from "../../runtime/replay/result.ts";
import { checkRuns } from "./runnable.ts";
import { EXIT, UsageError, defineCommand } from "./command.ts";
import { ENGINE_OPTIONS, parseEngineOptions } from "./engine_options.ts";
import { printJson } from "./output.ts";
import { parseCount, parseCtx, parsePair, parseValue, readBytes } from "./parse.ts";

export const test = defineCommand({
  name: "test",
  operands: "OBJECT",
  summary: "run a program on one packet",
  options: {
    ...OBJECT_OPTIONS,
    prog: { type: "string", value: "NAME", help: "the program, by function name" },
    data: { type: "string", value: "FILE|hex:…", help: "the packet's bytes" },
    repeat: { type: "string", value: "N", help: "runs, each from the packet as given; ns is their mean" },
    ctx: { type: "string", multiple: true, value: "NAME=VALUE", help: "a field of the context" },
    set: { type: "string", multiple: true, value: "VAR=VALUE", help: "a global variable before load" },
    ...ENGINE_OPTIONS,
  },
  run: async ({ operands, options }) => {
    if (options.data === undefined) throw new UsageError("test: --data FILE or --data hex:… is missing");
    const engine = parseEngineOptions("test", options);
    const repeat = parseCount("repeat", options.repeat ?? "1", 1);
    const ctx = parseCtx(options.ctx);
    const packet = readBytes("data", options.data);
    const opened = openObject(operands[0] ?? "", options);
    for (const pair of options.set ?? []) {
      const [name, value] = parsePair("set", pair, "VAR=VALUE");
      opened.set(name, parseValue(value));
    }
    const { name } = checkRuns(opened.prog(options.prog));
    using object = await loadObject(opened, { ...engine, progs: [name] });
    const result = object.runPacket(name, packet, { repeat, ctx });
    const verdict = verdictNames(runTypeOf(object.prog(name).verified))[result.verdict];
    const shown = {
      retval: result.retval,
      ...(verdict === undefined ? {} : { verdict }),
      data: Buffer.from(result.data).toString("hex"),
      len: result.data.length,
      ...(result.metaLen > 0 ? { meta_len: result.metaLen } : {}),
      ctx: result.ctx,
      ns: Number(result.ns.toFixed(1)),
    };
    if (options.json === true) printJson(shown);
    else
      process.stdout.write(
        `${verdict === undefined ? shown.retval : `${verdict} (${shown.retval})`}, ${shown.len} bytes, ${shown.ns} ns\n${shown.data}\n`,
      );
    return EXIT.ok;
  },
});
