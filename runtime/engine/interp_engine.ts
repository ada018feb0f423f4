// The engine `interp`: a verified program run by the reference interpreter on a world, with the library's own Wasm
// for helpers and walker. Slow; what it does is what the other engines must do. Takes verified programs only.
import type { MapBinding } from "../../jit/compile.ts";
import { checkRunnable } from "../../jit/runnable.ts";
import type { Imm64 } from "../../src/isa/insn.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { helperImpl } from "../../src/spec/helper_impls.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import { libName, THROW } from "../../src/spec/kfuncs/index.ts";
import { mapTypeName } from "../../src/spec/map_types.ts";
import { RUN_TYPES } from "../../src/spec/run_types.ts";
import { VerifiedProg } from "../../src/verifier/proof.ts";
import {
  CPU_INDEX,
  CPU_TAIL_CALLS,
  ELEM_KEY,
  MAP_ELEM_STRIDE,
  MAP_ELEMS_OFF,
  MAP_MAX_ENTRIES,
  MAP_PERCPU_STRIDE,
  MAP_TYPE,
  MAP_VALUE_OFF,
  PROG_SLOT_SIZE,
} from "../memory/layout.ts";
import type { World } from "../memory/world.ts";
import { createLib } from "../wasm/lib.ts";
import type { Engine, EngineOptions, EngineProg, LoadInput } from "./engine.ts";
import { type HelperFn, type InterpEnv, interpret, interpretSubprog, type MapElement } from "./interp.ts";
import { InterpTrap } from "./interp_insn.ts";
import { accessCheck } from "./interp_check.ts";
import { heldAccess } from "./interp_held.ts";

const MAX_TAIL_CALL_CNT = 33;

const WALKERS = { xdp: "walk", skb: "walk_skb", flow: "walk_flow" } as const;

type TableFn = (cpu: number, fp: number, ...args: bigint[]) => bigint;

/** What tests may add to a run. */
export interface InterpHooks {
  /** before every insn of the program */
  readonly onStep?: InterpEnv["onStep"];
  readonly insnLimit?: number;
}

/** Code of `(module (import "e" "f" (func (param i32 i32 i64 …) (result i64))) (export "f" (func 0)))`. */
function reexportModule(args: number): BufferSource {
  const params = [0x7f, 0x7f, ...Array.from({ length: args }, () => 0x7e)];
  const type = [1, 0x60, params.length, ...params, 1, 0x7e];
  const section = (id: number, body: number[]): number[] => [id, body.length, ...body];
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const imports = section(2, [1, 1, 0x65, 1, 0x66, 0, 0]);
  return Uint8Array.from([...magic, ...section(1, type), ...imports, ...section(7, [1, 1, 0x66, 0, 0])]);
}

/** Only functions that came through a Wasm module may stand in a table. */
function toTableFunction(f: TableFn, args: 1 | 5): TableFn {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(reexportModule(args)), { e: { f } });
  return instance.exports["f"] as TableFn;
}

function imm64Of(maps: readonly MapBinding[], verified: VerifiedProg, tableBase: number): InterpEnv["imm64"] {
  const map = (index: number): MapBinding => {
    const found = maps[index];
    if (found === undefined) throw new BpfError("EINVAL", `no map #${index}`);
    return found;
  };
  return (value: Exclude<Imm64, { kind: "imm" }>): bigint => {
    switch (value.kind) {
      case "map":
        return BigInt(map(value.map).address);
      case "map_value": {
        const { address, elemsOff, valueOff } = map(value.map);
        return BigInt(address + elemsOff + valueOff + value.off);
      }
      case "func":
        return BigInt(tableBase + verified.subprogs.findIndex(({ start }) => start === value.target));
      default:
        throw new BpfError("EOPNOTSUPP", `ld_imm64 of kind ${value.kind} was not resolved`);
    }
  };
}

/** The same rules as emitted code: only a jump that happens counts. */
function tailCallOn(world: World, cpu: number): NonNullable<InterpEnv["tailCall"]> {
  return (fp, ctx, map, index) => {
    const { view } = world;
    const at = Number(map);
    const slot = Number(BigInt.asUintN(32, index));
    const count = view.getUint32(cpu + CPU_TAIL_CALLS, true);
    if (slot >= view.getUint32(at + MAP_MAX_ENTRIES, true) || count >= MAX_TAIL_CALL_CNT) return undefined;
    const entry = view.getUint32(at + view.getUint32(at + MAP_ELEMS_OFF, true) + slot * PROG_SLOT_SIZE, true);
    if (entry === 0) return undefined;
    view.setUint32(cpu + CPU_TAIL_CALLS, count + 1, true);
    const target = world.table.get(entry - 1) as TableFn | null;
    if (target === null) throw new Error(`table slot ${entry - 1} is empty`);
    return target(cpu, fp, ctx);
  };
}

/** Done by the interpreter itself. */
const BUILT_IN: ReadonlySet<string> = new Set(["tail_call", "loop", "for_each_map_elem"]);

type EachNext = (map: number, from: number) => number;

/** A map's elements as for_each_map_elem meets them, from its header alone. */
function* elementsOf({ view }: World, eachNext: EachNext, cpu: number, map: number): Generator<MapElement> {
  const u32 = (field: number): number => view.getUint32(map + field, true);
  const type = mapTypeName(u32(MAP_TYPE));
  const isArray = type === "array" || type === "percpu_array";
  const own = view.getUint32(cpu + CPU_INDEX, true) * u32(MAP_PERCPU_STRIDE) + u32(MAP_VALUE_OFF);
  for (let index = 0; ; index++) {
    if (!isArray) index = eachNext(map, index);
    if (index < 0 || (isArray && index >= u32(MAP_MAX_ENTRIES))) return;
    const element = map + u32(MAP_ELEMS_OFF) + index * u32(MAP_ELEM_STRIDE);
    yield { index, key: isArray ? undefined : element + ELEM_KEY, value: element + own };
  }
}

function requireHelpers(verified: VerifiedProg, helpers: Readonly<Record<string, HelperFn>>): void {
  for (const id of verified.facts.helpers) {
    const name = HELPERS[id]?.name;
    if (name === undefined) throw new BpfError("EINVAL", `invalid func #${id}`);
    if (!BUILT_IN.has(name) && helpers[name] === undefined) {
      throw new BpfError("EOPNOTSUPP", `helper bpf_${name} is not available here`);
    }
  }
  for (const name of verified.facts.kfuncs)
    if (name !== THROW && helpers[libName(name)] === undefined)
      throw new BpfError("EOPNOTSUPP", `kernel function ${name} is not available here`);
}

/** The program on this world. Names a helper that the library lacks at load, not when it is called. */
export function loadInterp(
  world: World,
  verified: VerifiedProg,
  input: LoadInput,
  options: Pick<EngineOptions, "checked"> & InterpHooks,
): EngineProg {
  if (!VerifiedProg.is(verified)) throw new Error("only a verified program can be run");
  const { prog, subprogs } = verified;
  if (input.maps.length !== prog.maps.length)
    throw new Error(`${input.maps.length} maps bound, the program has ${prog.maps.length}`);
  const tableIndex = world.reserveFunctions(subprogs.length);
  const helpers: Record<string, HelperFn> = {};
  const imm64 = imm64Of(input.maps, verified, tableIndex);
  const instead = heldAccess(verified);
  const frames = RUN_TYPES[prog.type]?.frames ?? "xdp";

  const envOf = (cpu: number): InterpEnv => {
    const check = options.checked ? accessCheck(verified, input.maps, cpu, world.memory.buffer) : undefined;
    const { onStep } = options;
    return {
      memory: world.memory,
      cpu,
      insns: prog.insns,
      aux: verified.aux,
      exceptionCb: verified.facts.exceptionCb,
      instead,
      subprogs,
      helpers,
      imm64,
      callback: (id) =>
        id > tableIndex && id < tableIndex + subprogs.length ? Number(id) - tableIndex : undefined,
      elements: (cpu, map) => elementsOf(world, lib["map_each_next"] as EachNext, cpu, map),
      tailCall: tailCallOn(world, cpu),
      ...(check === undefined && onStep === undefined
        ? {}
        : {
            onStep: (insn, frame) => {
              check?.(insn, frame);
              onStep?.(insn, frame);
            },
          }),
      ...(options.insnLimit === undefined ? {} : { insnLimit: options.insnLimit }),
    };
  };
  const runSubprog =
    (subprogno: number): TableFn =>
    (cpu, fp, ...args) =>
      BigInt.asIntN(
        64,
        interpretSubprog(
          envOf(cpu),
          subprogno,
          fp,
          args.map((arg) => BigInt.asUintN(64, arg)),
        ),
      );
  const entry: EngineProg["entry"] = (cpu, fp, ctx) =>
    BigInt.asIntN(64, interpret(envOf(cpu), fp, [BigInt.asUintN(64, ctx)]));

  const lib = createLib(world.memory, world.table, { prog: entry });
  for (const [name, value] of Object.entries(lib)) {
    if (typeof value === "function") helpers[name] = value as unknown as HelperFn;
  }
  checkRunnable(verified);
  for (const row of HELPERS) {
    const impl = row === undefined ? undefined : helpers[helperImpl(row.name, frames)];
    if (row !== undefined && impl !== undefined) helpers[row.name] = impl;
  }
  requireHelpers(verified, helpers);
  world.table.set(
    tableIndex,
    toTableFunction((cpu, fp, ctx = 0n) => entry(cpu, fp, ctx), 1),
  );
  subprogs.forEach((subprog, subprogno) => {
    if (subprogno > 0 && (subprog.isCallback || subprog.isAsyncCallback)) {
      world.table.set(tableIndex + subprogno, toTableFunction(runSubprog(subprogno), 5));
    }
  });
  return {
    verified,
    tableIndex,
    entry,
    walk: (cpu, flags, budget) => lib[WALKERS[frames]](cpu, flags, budget),
    trapPc: (error) => (error instanceof InterpTrap ? error.pc : undefined),
  };
}

export const interpEngine: Engine = {
  name: "interp",
  load: (world, verified, input, options) => Promise.resolve(loadInterp(world, verified, input, options)),
};
