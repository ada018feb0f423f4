// What an object may ask of the kernel it is loaded for: types, configuration, addresses. From files that were named,
// else from the running kernel where it shows them; types there are in any case: some come along. Everything is read
// once: what was named at the start, the rest when it is first asked for.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Btf } from "../../src/btf/btf.ts";
import { type BtfFile, withModules } from "../../src/btf/modules.ts";
import { openBtf } from "../../src/btf/parse.ts";
import { findSectionData, isElf } from "../../src/elf/elf.ts";
import { parseConfig, type KernelFacts } from "../../src/elf/kconfig.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { Kallsyms } from "./kallsyms.ts";
import { readBounded } from "./read_bounded.ts";

const BTF_DIR = "/sys/kernel/btf";
const BTF_PATH = `${BTF_DIR}/vmlinux`;
/** made by data/kernel_btf.ts */
export const OWN_BTF: string = join(
  dirname(createRequire(import.meta.url).resolve("#package.json")),
  "data/kernel.btf.gz",
);
const MAX_UNZIPPED = 64 << 20;
/** libbpf's order */
const CONFIG_PATHS = [`/boot/config-${release()}`, "/proc/config.gz"] as const;

export interface OutsideFiles {
  /** BTF as /sys/kernel/btf/vmlinux has it, or an ELF file with a section of it */
  readonly btf?: string | undefined;
  /** a folder with the BTF of modules of that kernel, a file each, as /sys/kernel/btf has them */
  readonly modules?: string | undefined;
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

/** Types alone, or the section of them in an ELF file: a kernel, a module, an object. */
function sectionIn(file: Uint8Array, where: string): BtfFile {
  const bytes = unzipped(file, where);
  if (!isElf(bytes)) return { bytes, where };
  const section = findSectionData(bytes, where, ".BTF");
  if (section === undefined) throw new BpfError("EINVAL", `${where}: an ELF file without a section .BTF`);
  return section;
}

function typesIn(file: Uint8Array, where: string): Btf {
  const section = sectionIn(file, where);
  return openBtf(section.bytes, section.where);
}

/** The kernel's own file lies among those of its modules. */
function modulesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => name !== "vmlinux")
      .sort()
      .map((name) => join(dir, name));
  } catch (cause) {
    throw new BpfError("ENOENT", `${dir}: not a folder with the types of modules`, { cause });
  }
}

const configText = (path: string): string => Buffer.from(unzipped(readBounded(path), path)).toString("utf8");

const runningConfig = once(() => {
  const path = CONFIG_PATHS.find((p) => existsSync(p));
  return parseConfig(path === undefined ? "" : configText(path));
});

const symbols = new Kallsyms();

/** LINUX_VERSION_CODE of the running kernel; 0 where this is no Linux. */
function versionCode(): number {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(release()) ?? [];
  if (process.platform !== "linux" || major === undefined) return 0;
  return (Number(major) << 16) + (Number(minor) << 8) + Math.min(Number(patch), 255);
}

/** Types with those of modules; undefined: there are none to add. */
function typesWithModules(kernel: string, dir: string): Btf | undefined {
  const paths = modulesIn(dir);
  if (paths.length === 0) return undefined;
  const [first, ...rest] = [kernel, ...paths].map((path) => sectionIn(readBounded(path), path));
  return openBtf(withModules(first as BtfFile, rest), `${kernel} with modules`);
}

export class Outside {
  /** the kernel's types */
  readonly kernelBtf: () => Btf | undefined;
  /** those and its modules', numbered alike; the same as `kernelBtf` where there are none */
  readonly modulesBtf: () => Btf | undefined;
  readonly config: () => ReadonlyMap<string, string>;
  readonly facts: () => KernelFacts = () => ({ version: versionCode() });

  constructor(files: OutsideFiles = {}) {
    const { btf, kconfig } = files;
    const path = btf ?? (existsSync(BTF_PATH) ? BTF_PATH : undefined);
    const modules = files.modules ?? (path === BTF_PATH ? BTF_DIR : undefined);
    this.kernelBtf = btf === undefined ? defaultBtf : once(() => typesIn(readBounded(btf), btf));
    this.modulesBtf = once(
      () =>
        (path === undefined || modules === undefined ? undefined : typesWithModules(path, modules)) ??
        this.kernelBtf(),
    );
    this.config = kconfig === undefined ? runningConfig : once(() => parseConfig(configText(kconfig)));
    // what was named and is wrong is said at once, whether anything asks for it or not
    if (btf !== undefined) this.kernelBtf();
    if (kconfig !== undefined) this.config();
    if (files.modules !== undefined) modulesIn(files.modules);
  }

  /** Whether the kernel of these types has this symbol; undefined where it does not say. */
  hasSymbol(name: string): boolean | undefined {
    const isRunning = this.kernelBtf === defaultBtf && existsSync(BTF_PATH);
    return isRunning && !symbols.isEmpty ? symbols.address(name) !== undefined : undefined;
  }

  /** The types a program needs that calls these functions: with those of modules only where the kernel lacks one. */
  btfWith(funcs: readonly string[]): () => Btf | undefined {
    const kernel = this.kernelBtf();
    return funcs.every((name) => kernel?.find(name, "func") !== undefined) ? this.kernelBtf : this.modulesBtf;
  }

  /** Where the running kernel has this symbol; undefined where it does not say. */
  address(name: string): bigint | undefined {
    return symbols.address(name);
  }
}

export const RUNNING: Outside = new Outside();
