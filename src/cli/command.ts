// What a command is: its words, its options, its action. Knows nothing of BPF.
// Exit status: 0 done, 1 input refused, 2 wrong usage, 130 stopped by Ctrl-C.
import { type ParseArgsConfig, parseArgs } from "node:util";

export const EXIT = { ok: 0, refused: 1, usage: 2, interrupted: 130 } as const;

export interface OptionRow {
  readonly type: "string" | "boolean";
  readonly multiple?: true;
  readonly value?: string; // placeholder in help
  readonly help: string;
}
export type OptionRows = Readonly<Record<string, OptionRow>>;

type OptionValue<R extends OptionRow> = R extends { type: "boolean" }
  ? boolean
  : R extends { multiple: true }
    ? string[]
    : string;
export type OptionValues<O extends OptionRows> = { readonly [K in keyof O]?: OptionValue<O[K]> };

export interface Invocation<O extends OptionRows> {
  readonly operands: readonly string[];
  readonly options: OptionValues<O>;
}

/** A command with the types of its options forgotten, as the dispatcher holds it. */
export interface Command {
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
  readonly options: OptionRows;
  invoke(argv: readonly string[]): Promise<number>;
}

export class UsageError extends Error {}

/** Options every command takes. */
export const COMMON_OPTIONS = {
  json: { type: "boolean", help: "one JSON document on standard output" },
  debug: { type: "boolean", help: "show stack traces of errors" },
  help: { type: "boolean", help: "this text" },
} as const satisfies OptionRows;

export function defineCommand<O extends OptionRows>(row: {
  name: string;
  /** e.g. "OBJECT PCAP…": a trailing … takes any number */
  operands: string;
  summary: string;
  options: O;
  run: (args: Invocation<O & typeof COMMON_OPTIONS>) => Promise<number> | number;
}): Command {
  const options = { ...row.options, ...COMMON_OPTIONS };
  return {
    name: row.name,
    operands: row.operands,
    summary: row.summary,
    options,
    async invoke(argv) {
      const parsed = parseCommandLine(row.name, options, argv);
      if (parsed.values["help"] === true) {
        process.stdout.write(fmtHelp(row.name, row.operands, row.summary, options));
        return EXIT.ok;
      }
      checkOperands(row.name, row.operands, parsed.positionals);
      const values = parsed.values as OptionValues<O & typeof COMMON_OPTIONS>;
      return row.run({ operands: parsed.positionals, options: values });
    },
  };
}

function parseCommandLine(name: string, rows: OptionRows, argv: readonly string[]) {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [key, row] of Object.entries(rows))
    options[key] = { type: row.type, multiple: row.multiple === true };
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError(`${name}: ${explainParseError(cause, Object.keys(rows))}`);
  }
}

function explainParseError(cause: unknown, known: readonly string[]): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  // an option's value that begins with a dash: `--limit -1`
  const dashed = /^Option '(--[^' ]+)[^']*' argument is ambiguous/.exec(message)?.[1];
  if (dashed !== undefined)
    return `${dashed} has no value; one that begins with a dash is written ${dashed}=-…`;
  const unknownOption = /^Unknown option '(-[^']*)'/.exec(message)?.[1];
  if (unknownOption === undefined) {
    const first = message.split(/[.\n]/, 1)[0] ?? message;
    return first.charAt(0).toLowerCase() + first.slice(1);
  }
  const near = nearest(unknownOption.replace(/^-+/, ""), known);
  return `unknown option ${unknownOption}${near === undefined ? "" : `, did you mean --${near}?`}`;
}

function checkOperands(name: string, pattern: string, operands: readonly string[]): void {
  const wanted = pattern === "" ? [] : pattern.split(" ");
  const open = wanted.at(-1)?.endsWith("…") === true;
  const missing = wanted[operands.length];
  if (missing !== undefined)
    throw new UsageError(
      `${name}: ${missing.replace("…", "")} is missing; usage: softirq ${name} ${pattern}`,
    );
  const extra = operands[wanted.length];
  if (extra !== undefined && !open) throw new UsageError(`${name}: unexpected operand '${extra}'`);
}

export function fmtHelp(name: string, operands: string, summary: string, options: OptionRows): string {
  const rows = Object.entries(options).map(
    ([key, row]) => [`  --${key}${row.value === undefined ? "" : ` ${row.value}`}`, row.help] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const lines = rows.map(([left, help]) => `${left.padEnd(width)}${help}`);
  return `softirq ${name} ${operands}\n  ${summary}\n\n${lines.join("\n")}\n`;
}

/** The known word closest to a mistyped one, if it is close enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const d = candidate.startsWith(word) && word.length > 1 ? 1 : editDistance(word, candidate);
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
