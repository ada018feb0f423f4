// softirq verify: each program through the gate as if loaded alone.
import { type OpenObject, openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { type ProgVerdict, verifyEach } from "../../runtime/load/verdict.ts";
import { BpfError } from "../spec/errors.ts";
import { CAPABILITIES, type Capability } from "../spec/privileges.ts";
import type { LogLevel } from "../verifier/options.ts";
import { EXIT, UsageError, defineCommand } from "./command.ts";
import { explain, type Rejected } from "./explain.ts";
import { printJson } from "./output.ts";
import { parseCount } from "./parse.ts";

/** the kernel's own limit on x86 */
const MAX_KERNEL_CPUS = 8192;

const LOG_LEVELS: readonly LogLevel[] = [0, 1, 2, 4, 5, 6];

function parseLogLevel(text = "0"): LogLevel {
  const level = LOG_LEVELS.find((l) => String(l) === text);
  if (level === undefined)
    throw new UsageError(`verify: --log takes 0, 1 or 2, and 4 more for stacks, not '${text}'`);
  return level;
}

function parseCap(name: string): Capability {
  const cap = CAPABILITIES.find((c) => c === name);
  if (cap === undefined)
    throw new UsageError(`verify: --caps takes some of ${CAPABILITIES.join(",")}, not '${name}'`);
  return cap;
}

/** What the process that would load the programs has. */
function parseCaps(options: {
  readonly unprivileged?: boolean;
  readonly caps?: string;
}): readonly Capability[] {
  if (options.unprivileged === true && options.caps !== undefined)
    throw new UsageError("verify: --unprivileged and --caps exclude each other");
  if (options.unprivileged === true) return [];
  return options.caps === undefined ? CAPABILITIES : options.caps.split(",").map(parseCap);
}

function toJson(v: ProgVerdict) {
  const head = { prog: v.prog, section: v.section, type: v.type, insns: v.insns, accept: v.accept };
  const log = v.log === undefined ? {} : { log: v.log };
  if (v.accept) {
    return {
      ...head,
      processed: v.stats.processed,
      total_states: v.stats.totalStates,
      peak_states: v.stats.peakStates,
      time_us: v.stats.timeUs,
      ...log,
    };
  }
  return {
    ...head,
    errno: v.errno,
    ...(v.insn === undefined ? {} : { insn: v.insn }),
    message: v.message,
    ...(v.source === undefined ? {} : { source: v.source }),
    ...log,
  };
}

function printVerdict(object: string, v: ProgVerdict): void {
  if (v.log !== undefined && v.log.length > 0) process.stdout.write(`${v.log.join("\n")}\n`);
  if (v.accept) {
    process.stdout.write(
      `${v.prog}: accepted, ${v.insns} insns, ${v.stats.processed} processed, ${v.stats.timeUs} us\n`,
    );
    return;
  }
  const where = [v.insn === undefined ? "" : `insn ${v.insn}`, v.source ?? ""]
    .filter((s) => s !== "")
    .join(", ");
  process.stderr.write(
    `softirq: ${object}: ${v.prog}: ${v.errno}: ${v.message}${where === "" ? "" : ` (${where})`}\n`,
  );
}

/** How it came to that, from the log of the failing path. */
function printWhy(object: OpenObject, v: Rejected, caps: readonly Capability[], cpus?: number): void {
  const progs = object.spec.progs.filter((p) => p.name === v.prog);
  const trail = v.log ?? verifyEach(object.spec, progs, 1, object.outside, caps, cpus)[0]?.log ?? [];
  process.stdout.write(`${explain(v, trail).join("\n")}\n`);
}

export const verifyCommand = defineCommand({
  name: "verify",
  operands: "OBJECT",
  summary: "verify each program as if loaded alone; exit status 1 if any is rejected",
  options: {
    ...OBJECT_OPTIONS,
    prog: { type: "string", value: "NAME", help: "only this program" },
    unprivileged: { type: "boolean", help: "as if loaded by a process without capabilities" },
    caps: {
      type: "string",
      value: "LIST",
      help: "as if loaded by a process with these capabilities only: bpf, perfmon, net_admin",
    },
    cpus: { type: "string", value: "N", help: "as if loaded on a machine with N CPUs; default: any number" },
    log: {
      type: "string",
      value: "LEVEL",
      help: "the verifier's log: 1 the failing path, 2 every state; 4 more: the depth of stacks",
    },
  },
  run: ({ operands, options }) => {
    const logLevel = parseLogLevel(options.log);
    const caps = parseCaps(options);
    const cpus =
      options.cpus === undefined ? undefined : parseCount("cpus", options.cpus, 1, MAX_KERNEL_CPUS);
    const object = openObject(operands[0] ?? "", options);
    const progs = options.prog === undefined ? object.spec.progs : [object.prog(options.prog)];
    if (progs.length === 0) throw new BpfError("ENOENT", `${object.spec.name}: no programs`);
    const verdicts = verifyEach(object.spec, progs, logLevel, object.outside, caps, cpus);
    if (options.json === true) printJson(verdicts.map(toJson));
    else
      for (const v of verdicts) {
        printVerdict(object.spec.name, v);
        if (!v.accept) printWhy(object, v, caps, cpus);
      }
    return verdicts.every((v) => v.accept) ? EXIT.ok : EXIT.refused;
  },
});
