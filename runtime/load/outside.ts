// What an object may ask of the kernel it is loaded for: types, configuration, addresses. From files that were named,
// else from the running kernel where it shows them; types there are in any case: some come along. Everything is read
// once, when it is first asked for.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Btf } from "../../src/btf/btf.ts";
import { openBtf } from "../../src/btf/parse.ts";
import { findSectionData, isElf } from "../../src/elf/elf.ts";
import { parseConfig, type KernelFacts } from "../../src/elf/kconfig.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { readBounded } from "./read_bounded.ts";

const BTF_PATH = "/sys/kernel/btf/vmlinux";
/** made by data/kernel_btf.ts */
export const OWN_BTF: string = join(
  dirname(createRequire(import.meta.url).resolve("#package.json")),
  "data/kernel.btf.gz",
);
const KALLSYMS = "/proc/kallsyms";
const MAX_UNZIPPED = 64 << 20;
/** libbpf's order */
const CONFIG_PATHS = [`/boot/config-${release()}`, "/proc/config.gz"] as const;

export interface OutsideFiles {
  /** BTF as /sys/kernel/btf/vmlinux has it, or an ELF file with a section of it */
  readonly btf?: string | undefined;
  /** CONFIG_X=… lines, plain or gzipped */
  readonly kconfig?: string | undefined;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Those of the running kernel, or the part of one that comes along: of Linux 6.18, what networking and tracing name. */
const defaultBtf = once(() =>
  existsSync(BTF_PATH)
    ? openBtf(readFileSync(BTF_PATH), BTF_PATH)
    : typesIn(readBounded(OWN_BTF), "own kernel types"),
);

/** A file may be gzipped. */
function unzipped(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNZIPPED });
  } catch (cause) {
    throw new BpfError("EINVAL", `${where}: cannot be unzipped: ${(cause as Error).message}`, { cause });
  }
}

/** Types alone, or the section of them in an ELF file: a kernel, an object. */
function typesIn(file: Uint8Array, where: string): Btf {
  const bytes = unzipped(file, where);
  if (!isElf(bytes)) return openBtf(bytes, where);
  const section = findSectionData(bytes, where, ".BTF");
  if (section === undefined) throw new BpfError("EINVAL", `${where}: an ELF file without a section .BTF`);
  return openBtf(section.bytes, section.where);
}

const configText = (path: string): string => Buffer.from(unzipped(readBounded(path), path)).toString("utf8");

const runningConfig = once(() => {
  const path = CONFIG_PATHS.find((p) => existsSync(p));
  return parseConfig(path === undefined ? "" : configText(path));
});

const symbols = once(() => {
  const out = new Map<string, bigint>();
  const text = existsSync(KALLSYMS) ? readFileSync(KALLSYMS, "latin1") : "";
  for (const [, addr, name] of text.matchAll(/^([0-9a-f]+) \w (\S+)$/gm))
    if (addr !== undefined && name !== undefined) out.set(name, BigInt(`0x${addr}`));
  return out;
});

/** LINUX_VERSION_CODE of the running kernel; 0 where this is no Linux. */
function versionCode(): number {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(release()) ?? [];
  if (process.platform !== "linux" || major === undefined) return 0;
  return (Number(major) << 16) + (Number(minor) << 8) + Math.min(Number(patch), 255);
}

export class Outside {
  /** the kernel's types */
  readonly kernelBtf: () => Btf | undefined;
  readonly config: () => ReadonlyMap<string, string>;
  readonly facts: () => KernelFacts = () => ({ version: versionCode() });

  constructor(files: OutsideFiles = {}) {
    const { btf, kconfig } = files;
    this.kernelBtf = btf === undefined ? defaultBtf : once(() => typesIn(readBounded(btf), btf));
    this.config = kconfig === undefined ? runningConfig : once(() => parseConfig(configText(kconfig)));
  }

  /** Whether the kernel of these types has this symbol; undefined where it does not say. */
  hasSymbol(name: string): boolean | undefined {
    const isRunning = this.kernelBtf === defaultBtf && existsSync(BTF_PATH);
    return isRunning && symbols().size > 0 ? symbols().has(name) : undefined;
  }

  /** Where the running kernel has this symbol; undefined where it does not say. */
  address(name: string): bigint | undefined {
    return symbols().get(name);
  }
}

export const RUNNING: Outside = new Outside();
