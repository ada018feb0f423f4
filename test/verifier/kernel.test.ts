// The same small programs in the running kernel: verdict, errno and last words must be the ones the table has.
// Skipped where the kernel does not let us load programs, or is older than the one the table was made with.
import { release } from "node:os";
import { describe, expect, it } from "vitest";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { encodeInsns } from "../../src/isa/encode.ts";
import type { Imm64, Insn } from "../../src/isa/insn.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import { progTypeId } from "../../src/spec/prog_types.ts";
import { CASES } from "./cases.ts";
import { asm, MAPS, verdict } from "./harness.ts";

const SINCE = [6, 18] as const;

function open(): BpfSys | undefined {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major < SINCE[0] || (major === SINCE[0] && minor < SINCE[1])) return undefined;
  try {
    return new BpfSys("the kernel's verifier");
  } catch (e) {
    if (e instanceof BpfError) return undefined;
    throw e;
  }
}

const sys = open();

function createMaps(on: BpfSys): number[] {
  return MAPS.map((m) => {
    const { name, keySize, valueSize, maxEntries, flags } = m;
    const type = MAP_TYPES[m.type].id;
    const fd = on.mapCreate({ name, type, keySize, valueSize, maxEntries, flags, mapExtra: 0n, numaNode: 0 });
    if (m.frozen !== undefined) {
      on.mapUpdate(fd, new Uint8Array(4), m.frozen);
      on.mapFreeze(fd);
    }
    return fd;
  });
}

function byFd(value: Imm64, fds: readonly number[]): Imm64 {
  if (value.kind === "map") return { kind: "map_fd", fd: fds[value.map] ?? -1 };
  if (value.kind === "map_value") return { kind: "map_value_fd", fd: fds[value.map] ?? -1, off: value.off };
  return value;
}

function withFds(insn: Insn | undefined, fds: readonly number[]): Insn | undefined {
  return insn?.kind === "ld_imm64" ? { ...insn, value: byFd(insn.value, fds) } : insn;
}

describe.skipIf(sys === undefined)("the running kernel", () => {
  const on = sys as BpfSys;
  const fds = sys === undefined ? [] : createMaps(sys);

  it.each(CASES)("$name", (c) => {
    const insns = encodeInsns(asm(c.asm).map((insn) => withFds(insn, fds)));
    const prog = {
      name: "case",
      type: progTypeId("xdp"),
      insns,
      license: "GPL",
      flags: 0,
      expectedAttachType: 0,
    };
    let code = "";
    let words = "";
    try {
      on.close(on.progLoad(prog));
    } catch (e) {
      if (!(e instanceof BpfError)) throw e;
      code = e.code;
      words = e.message;
    }
    expect(code).toBe(c.msg?.[0] ?? "");
    if (code !== "") expect(words).toContain(verdict(c.asm).last);
  });
});
