#!/usr/bin/env node
// The command line's entry: picks the command, turns errors into one line and an exit status.
import { createRequire } from "node:module";
import { BpfError } from "../spec/errors.ts";
import { type Command, EXIT, UsageError, nearest } from "./command.ts";
import { fileError } from "./output.ts";

// Commands are imported on use: `list` must not pay for what `run` needs.
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  list: {
    summary: "programs, maps and global variables of an object",
    load: async () => (await import("./list.ts")).list,
  },
  verify: {
    summary: "verify each program as the kernel would",
    load: async () => (await import("./verify.ts")).verifyCommand,
  },
  run: { summary: "run a program over captures", load: async () => (await import("./run.ts")).run },
  test: { summary: "run a program on one packet", load: async () => (await import("./test.ts")).test },
  bench: {
    summary: "nanoseconds a packet, beside other engines",
    load: async () => (await import("./bench.ts")).bench,
  },
  diff: {
    summary: "compare a run with the running kernel's",
    load: async () => (await import("./diff.ts")).diff,
  },
  dump: { summary: "what was loaded and what it became", load: async () => (await import("./dump.ts")).dump },
};

function fmtUsage(): string {
  const lines = Object.entries(COMMANDS).map(([name, row]) => `  ${name.padEnd(8)}${row.summary}`);
  return `usage: softirq <command> OBJECT …\n\n${lines.join("\n")}\n\nsoftirq <command> --help shows a command's options\n`;
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)("#package.json");
  return (manifest as { version: string }).version;
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) throw new UsageError(`no command\n${fmtUsage()}`.trimEnd());
  if (name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(fmtUsage());
    return EXIT.ok;
  }
  if (name === "--version" || name === "-V") {
    process.stdout.write(`softirq v${version()}\n`);
    return EXIT.ok;
  }
  const row = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (row === undefined) {
    const near = nearest(name, Object.keys(COMMANDS));
    throw new UsageError(`unknown command '${name}'${near === undefined ? "" : `, did you mean ${near}?`}`);
  }
  return (await row.load()).invoke(rest);
}

/** One line for people; the stack only on request. */
function report(error: unknown, debug: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof UsageError || error instanceof BpfError;
  const text =
    debug && error instanceof Error
      ? (error.stack ?? message)
      : known
        ? message
        : `internal error: ${message.split("\n", 1)[0]} (--debug shows where)`;
  process.stderr.write(`softirq: ${text}\n`);
  return error instanceof UsageError ? EXIT.usage : EXIT.refused;
}

// A closed pipe (`softirq list x.o | head -1`) is the reader's choice, not an error.
const isClosedPipe = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "EPIPE";

process.stdout.on("error", (error) => {
  if (isClosedPipe(error)) process.exit(EXIT.ok);
  process.exit(report(fileError("write", "-", error), process.argv.includes("--debug")));
});

const argv = process.argv.slice(2);
try {
  process.exitCode = await dispatch(argv);
} catch (error) {
  process.exitCode = isClosedPipe(error) ? EXIT.ok : report(error, argv.includes("--debug"));
}
