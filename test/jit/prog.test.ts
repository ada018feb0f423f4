// Whole programs: frames, subprogs, callbacks, tail calls, maps, stopping, traps, checked mode, and what a module
// asks for and offers. A small library in text form stands in for the real one.
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import { trapPc } from "../../jit/emit/traps.ts";
import type { MapBinding } from "../../jit/lower/abi.ts";
import * as layout from "../../runtime/memory/layout.ts";
import { assemble } from "../../src/isa/asm.ts";
import type { Insn } from "../../src/isa/insn.ts";
import type { Access, InsnAux, MapDef } from "../../src/verifier/proof.ts";
import { mapDef } from "../harness/map_def.ts";
import { build, CPU, createMachine, linkInsns, type Machine, MEM, newMemory, STACK_TOP } from "./harness.ts";

const LIB = `(module
  (type $prog (func (param i32 i32 i64) (result i64)))
  (import "env" "memory" (memory 1 65536 shared))
  (import "env" "table" (table 0 funcref))
  (import "env" "prog" (func $p (type $prog)))
  (func (export "walk") (param $cpu i32) (param i32) (param i32) (result i32)
    (i32.wrap_i64 (call $p (local.get $cpu) (i32.const ${STACK_TOP}) (i64.const 7))))
  (func (export "ktime_get_ns") (param i32) (result i64) (i64.const 1234))
  (func (export "map_lookup_elem") (param $cpu i32) (param $map i64) (param $key i64) (result i64)
    (i64.add (local.get $map) (i64.load (i32.wrap_i64 (local.get $key)))))
  (func (export "hash_lookup4") (param $map i32) (param $key i32) (param $cpu i32) (result i32)
    (i32.add (i32.load (local.get $key)) (i32.const 4)))
  (func (export "hash_lookup") (param $map i32) (param $key i32) (param $cpu i32) (result i32)
    (i32.add (i32.load (local.get $key)) (i32.const 1)))
  (func (export "hash_update") (param i32 i32 i32 i64 i32) (result i64) (i64.add (local.get 3) (i64.const 100)))
  (func (export "unused") (result i32) (i32.const 1)))`;

const lib = ((): Uint8Array => {
  const m = binaryen.parseText(LIB);
  const bytes = m.emitBinary();
  m.dispose();
  return bytes;
})();

function asm(text: string): (Insn | undefined)[] {
  return assemble(text.replaceAll("; ", "\n"));
}

/** Everything reached; accesses by pc. */
function auxOf(
  insns: readonly (Insn | undefined)[],
  facts: Record<number, Partial<InsnAux>> = {},
): (InsnAux | undefined)[] {
  return insns.map((insn, pc) => (insn === undefined ? undefined : { seen: true, ...facts[pc] }));
}

function access(kind: Access["kinds"][number], more: Partial<Access> = {}): { access: Access } {
  return { access: { kinds: [kind], write: false, maps: [], ...more } };
}

const ELEMS = layout.MAP_HEADER_SIZE;

function binding(def: MapDef, more: Partial<MapBinding> = {}): MapBinding {
  const rest = {
    elemsOff: ELEMS,
    elemStride: 8,
    valueOff: 0,
    percpuStride: 0,
    totalSize: ELEMS + 8 * def.maxEntries,
  };
  return { def, address: MEM, ...rest, ...more };
}

function thrown(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}

describe("modules", () => {
  it("import memory and table and nothing else, export what a run needs", () => {
    const { wasm } = linkInsns(asm("r2 = *(u64 *)(r1 +0); r3 = 0; call 12; call 5; exit"), { lib });
    const module = new WebAssembly.Module(wasm as BufferSource);
    expect(WebAssembly.Module.imports(module).map(({ module: from, name }) => `${from}.${name}`)).toEqual([
      "env.memory",
      "env.table",
    ]);
    expect(
      WebAssembly.Module.exports(module)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(["prog", "walk"]);
  });

  it.each([0, 1, 2, 3] as const)("run through the library's walker at opt %i", (opt) => {
    const { wasm, traps } = linkInsns(asm("r6 = r1; call 5; r0 += r6; exit"), { lib, opt });
    const { walk } = createMachine(wasm, traps).exports as {
      walk: (cpu: number, a: number, b: number) => number;
    };
    expect(walk(CPU, 0, 0)).toBe(1241);
  });

  it("drop what verification never reached", () => {
    const insns = asm("r0 = 1; if r1 == 0 goto pc+1; exit; r0 = 2; exit");
    const aux = auxOf(insns, { 1: { jump: { taken: true, fallthrough: false } } });
    expect(build(insns, { aux }).run()).toBe(2n);
    const unseen = auxOf(insns, { 2: { seen: false } });
    expect(() => build(insns, { aux: unseen }).run()).toThrow(WebAssembly.RuntimeError);
  });

  it("refuse what cannot be compiled", () => {
    expect(() => linkInsns(asm("call 1; exit"))).toThrow(
      "0: helper bpf_map_lookup_elem is not available here",
    );
    expect(() => linkInsns(asm("call kfunc#7; exit"))).toThrow("0: kernel function #7 is not available here");
  });
});

describe("stack", () => {
  const own = { stackEscapes: false, stackDepth: 16 };

  it("keeps slots of a frame that does not escape in locals", () => {
    const insns = asm(
      "*(u32 *)(r10 -4) = -2; *(u64 *)(r10 -16) = 5; r0 = *(s32 *)(r10 -4); r2 = *(u64 *)(r10 -16); r0 += r2; exit",
    );
    const machine = build(insns, { aux: auxOf(insns), facts: own });
    machine.memory.fill(0xee, STACK_TOP - 16, STACK_TOP);
    expect(machine.run()).toBe(3n);
    expect(machine.memory[STACK_TOP - 4]).toBe(0xee);
  });

  it("leaves slots of mixed size in memory", () => {
    const insns = asm("*(u64 *)(r10 -8) = -1; *(u8 *)(r10 -8) = 0; r0 = *(u64 *)(r10 -8); exit");
    const machine = build(insns, { aux: auxOf(insns), facts: own });
    expect(machine.run()).toBe(0xffff_ffff_ffff_ff00n);
    expect(machine.memory[STACK_TOP - 7]).toBe(0xff);
  });

  it("follows copies of the frame pointer by what the verifier says", () => {
    const insns = asm("r2 = r10; r2 += -8; *(u64 *)(r2 +0) = 9; r0 = *(u64 *)(r10 -8); exit");
    const slot = access("stack", { fpOff: -8, fpDepth: 0, write: true });
    expect(build(insns, { aux: auxOf(insns, { 2: slot }), facts: own }).run()).toBe(9n);
    // not constant: the whole frame stays in memory
    expect(build(insns, { aux: auxOf(insns, { 2: access("stack") }), facts: own }).run()).toBe(9n);
  });

  it.each([16, 128])("is zero where a program may read it unwritten, %i bytes", (stackDepth) => {
    const insns = asm("r2 = r10; r2 += -16; r0 = *(u64 *)(r2 +0); exit");
    const machine = build(insns, { facts: { readsUninitStack: true, stackDepth } });
    machine.memory.fill(0xee, STACK_TOP - 512, STACK_TOP);
    expect(machine.run()).toBe(0n);
    expect(machine.memory[STACK_TOP - stackDepth - 1]).toBe(0xee);
  });

  it("gives each call a frame of its own", () => {
    // f(n) = n == 0 ? 0 : n + f(n - 1), kept on the stack
    const insns = asm(
      "r1 = 10; r6 = 77; call pc+3; if r6 != 77 goto pc+1; exit; exit; " +
        "*(u64 *)(r10 -8) = r1; r0 = 0; if r1 == 0 goto pc+4; r1 += -1; call pc-5; r1 = *(u64 *)(r10 -8); r0 += r1; exit",
    );
    expect(build(insns).run()).toBe(55n);
  });
});

function tailCaller(known: boolean): Machine {
  // counts itself in memory, jumps to itself, and says how often it ran
  const insns = asm(
    "r6 = r1; r2 = *(u64 *)(r1 +0); r2 += 1; *(u64 *)(r1 +0) = r2; r3 = *(u64 *)(r1 +8); r2 = map[0] ll; call 12; r0 = *(u64 *)(r6 +0); exit",
  );
  const map = binding(mapDef("m", "prog_array", 4, 4, 4), { address: MEM + 0x1000 });
  const callPc = insns.findIndex((insn) => insn?.kind === "call");
  const aux = auxOf(insns, known ? { [callPc]: { call: { map: 0 } } } : {});
  const machine = build(insns, { maps: [map], aux });
  machine.table.set(2, machine.exports["prog"]);
  machine.view.setUint32(map.address + layout.MAP_MAX_ENTRIES, 4, true);
  machine.view.setUint32(map.address + layout.MAP_ELEMS_OFF, ELEMS, true);
  machine.view.setUint32(map.address + ELEMS + 1 * layout.PROG_SLOT_SIZE, 2 + 1, true);
  return machine;
}

describe("calls through the table", () => {
  // r1 passes over a callback that adds its index to *ctx and ends at index 9
  const loop =
    "r6 = r10; r6 += -8; *(u64 *)(r10 -8) = 0; r1 = N; r2 = func cb ll; r3 = r6; r4 = FLAGS; call 181; " +
    "r1 = *(u64 *)(r10 -8); r1 <<= 32; r0 |= r1; exit; " +
    "cb:; r3 = *(u64 *)(r2 +0); r3 += r1; *(u64 *)(r2 +0) = r3; r0 = 0; if r1 != 9 goto out; r0 = 1; out:; exit";
  // biome-ignore format: table
  const loops: readonly (readonly [what: string, n: string, flags: number, r0: bigint])[] = [
    ["none",                 "0",          0, 0n],
    ["all passes",           "5",          0, (10n << 32n) | 5n],
    ["until it says so",     "50",         0, (45n << 32n) | 10n],
    ["flags",                "5",          1, BigInt.asUintN(64, -22n)],
    ["too many",             "0x800001",   0, BigInt.asUintN(64, -7n)],
    ["the lower half only",  "0x100000005 ll", 0, (10n << 32n) | 5n],
  ];
  describe.each([true, false])("bpf_loop, callback known: %s", (known) => {
    it.each(loops)("%s", (_, n, flags, r0) => {
      const insns = asm(loop.replace("N", n).replace("FLAGS", String(flags)));
      const callPc = insns.findIndex((insn) => insn?.kind === "call");
      const aux = auxOf(insns, known ? { [callPc]: { call: { callback: 1 } } } : {});
      const { wasm, traps } = linkInsns(insns, { aux, options: { tableBase: 3 } });
      const machine = createMachine(wasm, traps);
      // callbacks have the table indices after the program's
      machine.table.set(4, machine.exports["subprog_1"]);
      expect(machine.run()).toBe(r0);
      machine.view.setUint32(layout.WORLD_STOP, 1, true);
      if (r0 > 1n << 32n && r0 < 1n << 63n) expect(() => machine.run()).toThrow("unreachable");
    });
  });

  // biome-ignore format: table
  const rows: readonly (readonly [what: string, index: bigint, runs: bigint, counted: number])[] = [
    ["a filled slot, up to the limit",         1n,            34n, 33],
    ["an index whose upper half is not looked at", 1n | 1n << 32n, 34n, 33],
    ["an empty slot",                          2n,            1n,  0],
    ["an index out of range",                  4n,            1n,  0],
    ["a negative index",                       0xffff_ffffn,  1n,  0],
  ];
  describe.each([true, false])("tail calls, map known: %s", (known) => {
    it.each(rows)("%s", (_, index, runs, counted) => {
      const machine = tailCaller(known);
      machine.view.setBigUint64(MEM + 8, index, true);
      expect(machine.run()).toBe(runs);
      expect(machine.view.getUint32(CPU + layout.CPU_TAIL_CALLS, true)).toBe(counted);
    });
  });
});

describe("maps", () => {
  const lookup = "r2 = r10; r2 += -8; *(u64 *)(r10 -8) = KEY; r1 = map[0] ll; call 1; exit";
  function found(def: MapDef, key: number, call: InsnAux["call"], more: Partial<MapBinding> = {}): bigint {
    const insns = asm(lookup.replace("KEY", String(key)));
    const callPc = insns.findIndex((insn) => insn?.kind === "call");
    const machine = build(insns, {
      lib,
      maps: [binding(def, more)],
      aux: auxOf(insns, { [callPc]: call === undefined ? {} : { call } }),
    });
    machine.view.setUint32(CPU + layout.CPU_INDEX, 3, true);
    return machine.run();
  }
  const array = mapDef("m", "array", 4, 8, 10);
  const percpu = mapDef("m", "percpu_array", 4, 8, 10);
  const first = BigInt(MEM + ELEMS);
  // biome-ignore format: table
  const rows: readonly (readonly [what: string, def: MapDef, key: number, call: InsnAux["call"], more: Partial<MapBinding>, r0: bigint])[] = [
    ["array, last element",            array,  9,  { map: 0 },              {},                                first + 72n],
    ["array, past the end",            array,  10, { map: 0 },              {},                                0n],
    ["array, stride not a power of 2", array,  2,  { map: 0 },              { elemStride: 24 },                first + 48n],
    ["array, constant key",            array,  0,  { map: 0, constKey: 3 }, {},                                first + 24n],
    ["array, constant key too large",  array,  0,  { map: 0, constKey: 10 }, {},                               0n],
    ["percpu array",                   percpu, 2,  { map: 0 },              { elemStride: 64, percpuStride: 8 }, first + 128n + 24n],
    ["percpu array, constant key",     percpu, 0,  { map: 0, constKey: 2 }, { elemStride: 64, percpuStride: 8 }, first + 128n + 24n],
    ["hash of a common key size",      mapDef("m", "hash", 4, 8, 10), 5, { map: 0 }, {},                            9n],
    ["hash of another key size",       mapDef("m", "hash", 6, 8, 10), 5, { map: 0 }, {},                            6n],
    ["map not known",                  array,  5,  {},                      {},                                BigInt(MEM) + 5n],
  ];
  it.each(rows)("lookup: %s", (_, def, key, call, more, r0) => expect(found(def, key, call, more)).toBe(r0));

  it("update goes to the entry of the type", () => {
    const insns = asm("r2 = r10; r3 = r10; r4 = 2; r1 = map[0] ll; call 2; exit");
    const aux = auxOf(insns, { 5: { call: { map: 0 } } });
    expect(build(insns, { lib, aux, maps: [binding(mapDef("m", "hash", 4, 8, 10))] }).run()).toBe(102n);
  });

  it("values of a data section have a constant address", () => {
    const insns = asm("r0 = map[0][0]+16 ll; exit");
    expect(build(insns, { maps: [binding(array)] }).run()).toBe(first + 16n);
  });
});

describe("ends that are not exits", () => {
  it("a set stop word ends a loop and says so", () => {
    const insns = asm("r0 = 0; goto pc-1");
    const machine = build(insns, { loopHeads: new Set([1]) });
    machine.view.setUint32(layout.WORLD_STOP, 1, true);
    expect(() => machine.run()).toThrow("unreachable");
    expect(machine.view.getUint32(layout.WORLD_STOPPED, true)).toBe(1);
  });

  it("a loop with two entries can be ended too", () => {
    const insns = asm("r0 = 0; if r1 == 0 goto b; a:; r0 += 1; b:; r0 += 2; goto a");
    const machine = build(insns, { loopHeads: new Set([2]) });
    machine.view.setUint32(layout.WORLD_STOP, 1, true);
    expect(() => machine.run()).toThrow("unreachable");
    expect(machine.view.getUint32(layout.WORLD_STOPPED, true)).toBe(1);
  });

  it("a trap in a helper names the call", () => {
    const insns = asm("r2 = 0x7fffffff; call 1; r0 = 0; exit");
    const machine = build(insns, { lib, opt: 0 });
    expect(
      trapPc(
        machine.traps,
        thrown(() => machine.run()),
      ),
    ).toBe(1);
  });

  it("a trap names its insn", () => {
    const insns = asm(
      "r0 = 0; r2 = 0x7fffffff ll; r3 = *(u64 *)(r1 +0); if r3 == 5 goto pc+1; r0 = *(u32 *)(r2 +4); *(u8 *)(r2 +0) = 1; exit",
    );
    for (const opt of [0, 1] as const) {
      const machine = build(insns, { lib, opt });
      expect(
        trapPc(
          machine.traps,
          thrown(() => machine.run()),
        ),
      ).toBe(5);
      machine.view.setBigUint64(MEM, 5n, true);
      expect(
        trapPc(
          machine.traps,
          thrown(() => machine.run()),
        ),
      ).toBe(6);
    }
  });
});

describe("checked mode", () => {
  const PKT = MEM + 0x2000;
  // biome-ignore format: table
  const rows: readonly (readonly [what: string, kind: Access["kinds"][number], address: number, ok: boolean])[] = [
    ["start of ctx",            "ctx",       CPU,                         true ],
    ["end of ctx",              "ctx",       CPU + layout.CPU_CTX_SIZE - 4, true ],
    ["past ctx",                "ctx",       CPU + layout.CPU_CTX_SIZE - 3, false],
    ["stack",                   "stack",     STACK_TOP - 4,               true ],
    ["above the stack",         "stack",     STACK_TOP - 3,               false],
    ["first bytes of pkt",      "pkt",       PKT,                         true ],
    ["last bytes of pkt",       "pkt",       PKT + 60,                    true ],
    ["past data_end",           "pkt",       PKT + 61,                    false],
    ["before data",             "pkt",       PKT - 1,                     false],
    ["metadata",                "pkt_meta",  PKT - 4,                     true ],
    ["metadata into data",      "pkt_meta",  PKT - 3,                     false],
    ["first value",             "map_value", MEM + ELEMS,                 true ],
    ["last value",              "map_value", MEM + ELEMS + 9 * 8 + 2,     true ],
    ["past a value",            "map_value", MEM + ELEMS + 8 + 3,         false],
    ["map header",              "map_value", MEM,                         false],
    ["past the last value",     "map_value", MEM + ELEMS + 80,            false],
    ["null",                    "mem",       8,                           false],
  ];

  function machineFor(kind: Access["kinds"][number], checked: boolean): Machine {
    const insns = asm("r0 = *(u32 *)(r1 +0); exit");
    const aux = auxOf(insns, { 0: access(kind, { maps: kind === "map_value" ? [0] : [] }) });
    const machine = build(insns, {
      aux,
      maps: [binding(mapDef("m", "array", 4, 6, 10))],
      options: { checked },
    });
    machine.view.setUint32(CPU + layout.CPU_CTX_DATA, PKT, true);
    machine.view.setUint32(CPU + layout.CPU_CTX_DATA_END, PKT + 64, true);
    machine.view.setUint32(CPU + layout.CPU_CTX_DATA_META, PKT - 4, true);
    return machine;
  }

  it.each(rows)("%s", (_, kind, address, ok) => {
    const machine = machineFor(kind, true);
    if (ok) return expect(() => machine.run(BigInt(address))).not.toThrow();
    expect(() => machine.run(BigInt(address))).toThrow("unreachable");
    expect(machine.view.getUint32(CPU + layout.CPU_FAULT_PC, true)).toBe(1);
    expect(machine.view.getBigUint64(CPU + layout.CPU_FAULT_ADDR, true)).toBe(BigInt(address));
    expect(() => machineFor(kind, false).run(BigInt(address))).not.toThrow();
  });

  it("sees the upper half of a pointer, which the access itself does not", () => {
    const machine = machineFor("pkt", true);
    expect(() => machine.run(BigInt(PKT) + (1n << 32n))).toThrow("unreachable");
  });

  it("tests stores and atomics too", () => {
    for (const text of [
      "*(u32 *)(r1 +0) = 1; exit",
      "r2 = 1; lock *(u32 *)(r1 +0) += r2; exit",
      "r2 = 1; store_release((u32 *)(r1 +0), r2); exit",
    ]) {
      const insns = asm(text);
      const facts = access("pkt", { write: true });
      const machine = build(insns, { aux: auxOf(insns, { 0: facts, 1: facts }), options: { checked: true } });
      expect(() => machine.run(BigInt(MEM))).toThrow("unreachable");
    }
  });
});

it("the memory of a machine is the one it was given", () => {
  const memory = newMemory();
  const { wasm, traps } = linkInsns(asm("*(u8 *)(r1 +0) = 7; r0 = 0; exit"));
  createMachine(wasm, traps, memory).run();
  expect(new Uint8Array(memory.buffer)[MEM]).toBe(7);
});
