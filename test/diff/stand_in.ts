// A place where accepted programs that cannot run here can still be held against their claims: a context of any type in
// plain memory, and in place of helpers that the library lacks, ones that do nothing but return what their prototypes
// allow. What such a program does means nothing; whether its registers are what was claimed does.
import { type HelperFn, interpret, type InterpEnv } from "../../runtime/engine/interp.ts";
import { mapLayout } from "../../runtime/map/map_layout.ts";
import * as L from "../../runtime/memory/layout.ts";
import { createLib } from "../../runtime/wasm/lib.ts";
import type { Imm64 } from "../../src/isa/insn.ts";
import type { CtxField } from "../../src/spec/ctx/field.ts";
import { CTX_LAYOUTS } from "../../src/spec/ctx/layouts.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { helperProto } from "../../src/spec/helpers.ts";
import { libName, THROW } from "../../src/spec/kfuncs/index.ts";
import { argKind, type HelperProto } from "../../src/spec/helpers/proto.ts";
import type { MapDef, VerifiedProg } from "../../src/verifier/proof.ts";
import { Rng } from "../harness/random_builder.ts";
import { mapDef } from "../harness/map_def.ts";
import type { RandomWorld } from "../harness/random_world.ts";
import type { Places } from "./claim_reading.ts";

/** A syscall program's may be as large. */
const CTX_ROOM = 0x10010;
const PACKET_ROOM = 512;
/** What every pointer to something of the kernel points to. It holds its own address all over: pointers in it are good too. */
const OBJECT_ROOM = 8192;
const ROOM = CTX_ROOM + PACKET_ROOM + OBJECT_ROOM + 16;

/** A map's place is taken by an array where the library lacks its type. */
export function creatable(def: MapDef): MapDef {
  try {
    mapLayout(def, 1);
    return def;
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== "EOPNOTSUPP") throw error;
    return mapDef(def.name, "array", 4, Math.max(def.valueSize, 8), 4);
  }
}

const ERRNOS = [-1n, -2n, -14n, -22n] as const;

export class StandIn {
  readonly places: Places;
  readonly #ctx: number;
  readonly #packet: number;
  readonly #object: number;
  readonly #lib: Readonly<Record<string, HelperFn | undefined>>;

  constructor(readonly random: RandomWorld) {
    this.#ctx = random.world.alloc(ROOM, 16);
    this.#packet = this.#ctx + CTX_ROOM;
    this.#object = this.#packet + PACKET_ROOM;
    const words = this.#object + OBJECT_ROOM;
    this.places = { ctx: this.#ctx, data: words, end: words + 4, meta: words + 8 };
    this.#lib = createLib(random.world.memory) as unknown as Record<string, HelperFn>;
  }

  /** Runs the program on every packet of a seed, from the same start. Throws BpfError EOPNOTSUPP where that cannot be. */
  run(
    verified: VerifiedProg,
    seed: number,
    tableIndex: number,
    hooks: Pick<InterpEnv, "onStep" | "insnLimit">,
  ): void {
    if (verified.facts.needs.includes("untrusted_mem"))
      throw new BpfError("EOPNOTSUPP", `${verified.prog.name}: reads whatever a number points to`);
    const { world } = this.random;
    const cpu = world.cpu(0);
    const rng = new Rng(seed ^ 0x57a2d);
    const env: InterpEnv = {
      memory: world.memory,
      cpu,
      insns: verified.prog.insns,
      aux: verified.aux,
      exceptionCb: verified.facts.exceptionCb,
      subprogs: verified.subprogs,
      helpers: this.#helpers(verified, rng),
      imm64: (value) => this.#imm64(verified, tableIndex, value),
      callback: (id) => Number(id) - tableIndex,
      elements: () => [],
      ...hooks,
    };
    this.random.reset();
    for (const frame of this.random.frames(seed)) {
      this.#fill(verified, frame, rng);
      interpret(env, cpu + L.CPU_STACK_TOP, [BigInt(this.#ctx)]);
    }
  }

  #imm64({ subprogs }: VerifiedProg, tableIndex: number, value: Exclude<Imm64, { kind: "imm" }>): bigint {
    if (value.kind === "func")
      return BigInt(tableIndex + subprogs.findIndex(({ start }) => start === value.target));
    if (value.kind !== "map" && value.kind !== "map_value") return BigInt(this.#object);
    const map = this.random.maps[value.map];
    if (map === undefined) throw new Error(`no map #${value.map}`);
    return BigInt(value.kind === "map" ? map.address : map.address + map.elemsOff + map.valueOff + value.off);
  }

  #helpers({ prog, facts }: VerifiedProg, rng: Rng): Record<string, HelperFn> {
    const helpers: Record<string, HelperFn> = {};
    for (const [name, value] of Object.entries(this.#lib))
      if (typeof value === "function") helpers[name] = value;
    for (const id of facts.helpers) {
      const proto = helperProto(id, prog.type, prog.expectedAttachType);
      if (proto === undefined) throw new Error(`helper #${id} of ${prog.type} has no prototype`);
      // the context here is not the library's
      const asksCtx = proto.args.some((arg) => argKind(arg) === "ctx");
      if (asksCtx || helpers[proto.name] === undefined) helpers[proto.name] = this.#helper(proto, rng);
    }
    const missing = facts.kfuncs.find((name) => name !== THROW && helpers[libName(name)] === undefined);
    if (missing !== undefined)
      throw new BpfError("EOPNOTSUPP", `${prog.name}: kernel function ${missing} has no stand-in`);
    return helpers;
  }

  #helper(proto: HelperProto, rng: Rng): HelperFn {
    const { ret, effects } = proto;
    const object = BigInt(this.#object);
    const inMap = (_cpu: number, address: bigint): bigint => {
      const map = this.random.maps.find((m) => m.address === Number(address));
      return map === undefined ? object : BigInt(map.address + map.elemsOff + map.valueOff);
    };
    const coin =
      (of: HelperFn): HelperFn =>
      (cpu, ...args) =>
        rng.chance(50) ? 0n : of(cpu, ...args);
    if (ret === "integer")
      return () => {
        if (rng.chance(30)) return rng.pick(ERRNOS);
        return effects.returnsSize === true || rng.chance(30)
          ? 0n
          : BigInt(rng.u32() | 0) * BigInt(rng.u32());
      };
    if (ret === "void") return () => 0n;
    if (ret === "map_value") return inMap;
    if (ret === "map_value_or_null") return coin(inMap);
    const isSure = typeof ret === "string" ? !ret.endsWith("_or_null") : !ret.nullable;
    return isSure ? () => object : coin(() => object);
  }

  #fill({ prog }: VerifiedProg, frame: Uint8Array, rng: Rng): void {
    const { bytes, view } = this.random.world;
    for (let at = this.#ctx; at < this.#packet; at += 4) view.setUint32(at, rng.u32(), true);
    bytes.set(frame.subarray(0, PACKET_ROOM), this.#packet);
    for (let i = 0; i < OBJECT_ROOM; i += 8) view.setBigUint64(this.#object + i, BigInt(this.#object), true);
    const packet = {
      pkt: this.#packet,
      pkt_end: this.#packet + Math.min(frame.length, PACKET_ROOM),
      pkt_meta: this.#packet,
    };
    view.setUint32(this.places.data, packet.pkt, true);
    view.setUint32(this.places.end, packet.pkt_end, true);
    view.setUint32(this.places.meta, packet.pkt_meta, true);
    for (const field of CTX_LAYOUTS[prog.type]?.fields ?? []) {
      const isThere =
        field.attach === undefined || field.attach.some((attach) => attach === prog.expectedAttachType);
      if (isThere && field.gives.kind !== "scalar") this.#put(field, packet, rng);
    }
  }

  #put({ off, size, gives }: CtxField, packet: Readonly<Record<string, number>>, rng: Rng): void {
    const { view } = this.random.world;
    const address = packet[gives.kind] ?? (gives.nullable === true && rng.chance(50) ? 0 : this.#object);
    if (size === 8) view.setBigUint64(this.#ctx + off, BigInt(address), true);
    else view.setUint32(this.#ctx + off, address, true);
  }
}
