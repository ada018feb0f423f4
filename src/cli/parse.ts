// Option values: durations, counts, name=value pairs, packet bytes. Every refusal names the option.
import { readFileSync } from "node:fs";
import { BpfError } from "../spec/errors.ts";
import { UsageError } from "./command.ts";
import type { VariableValue } from "../../runtime/load/variables.ts";
import { fileError } from "./output.ts";

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** "10s", "250ms" in nanoseconds. */
export function parseDuration(option: string, text: string): bigint {
  const match = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(text);
  const unit = UNIT_NS[match?.[2] ?? ""];
  if (match === null || unit === undefined)
    throw new UsageError(`--${option} takes a duration such as 10s or 250ms, not '${text}'`);
  const ns = Number(match[1]) * unit;
  if (ns > Number.MAX_SAFE_INTEGER) throw new UsageError(`--${option} ${text} is too long`);
  return BigInt(Math.round(ns));
}

/** A whole number of 64 bits, as `--seed` takes it. */
export function parseU64(option: string, text: string): bigint {
  const n = /^\d+$/.test(text) ? BigInt(text) : -1n;
  if (n < 0n || n > 0xffffffffffffffffn)
    throw new UsageError(`--${option} takes a whole number from 0 to 2^64 - 1, not '${text}'`);
  return n;
}

export function parseCount(option: string, text: string, min = 0, max: number = 2 ** 53 - 1): number {
  const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(n >= min && n <= max)) {
    const bound =
      max === 2 ** 53 - 1 && !/^\d{16,}$/.test(text) ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`--${option} takes a whole number ${bound}, not '${text}'`);
  }
  return n;
}

/** "name=value" into its two parts; the value may hold further equal signs. */
export function parsePair(option: string, text: string, form = "NAME=VALUE"): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw new UsageError(`--${option} takes ${form}, not '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `--ctx name=value`, as often as given. */
export function parseCtx(pairs: readonly string[] | undefined): Record<string, number> {
  const ctx: Record<string, number> = {};
  for (const pair of pairs ?? []) {
    const [name, value] = parsePair("ctx", pair);
    ctx[name] = parseCount(`ctx ${name}`, value, 0, 0xffffffff);
  }
  return ctx;
}

/** A value as people type it: JSON where it parses, else the text itself; integers keep all 64 bits. */
export function parseValue(text: string): VariableValue {
  if (/^-?(0x[0-9a-f]+|\d+)$/i.test(text))
    return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  try {
    return JSON.parse(text) as VariableValue;
  } catch {
    return text;
  }
}

/** `hex:…` or a file's bytes; `-` reads standard input. */
export function readBytes(option: string, source: string): Uint8Array {
  if (source.startsWith("hex:")) {
    const hex = source.slice(4).replace(/[\s:]/g, "");
    if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex))
      throw new UsageError(`--${option}: '${source}' is not whole bytes in hex`);
    return new Uint8Array(Buffer.from(hex, "hex"));
  }
  try {
    return new Uint8Array(readFileSync(source === "-" ? 0 : source));
  } catch (cause) {
    throw fileError("open", source === "-" ? "standard input" : source, cause);
  }
}

/** A file of JSON, such as `--map` takes. */
export function readJsonFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw fileError("open", path, cause);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BpfError("EINVAL", `${path}: not JSON: ${(cause as Error).message.split("\n", 1)[0]}`, {
      cause,
    });
  }
}
