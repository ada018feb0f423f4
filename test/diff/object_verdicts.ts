// The maps and types of an object in the running kernel, for verdicts on programs made from its own.
import { BpfSys, type MapCreate } from "../../runtime/engine/kernel/sys.ts";
import { kernelMapName } from "../../runtime/load/kernel_name.ts";
import { toMapDef } from "../../runtime/load/prog.ts";
import { encodeBtf } from "../../src/btf/encode.ts";
import type { MapSpec, ObjectSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { KernelVerdicts } from "./verdicts.ts";

/** With its types or, as libbpf tries next, where maps of this kind have none without. */
function createTyped(sys: BpfSys, plain: MapCreate, btf: NonNullable<MapCreate["btf"]>): number {
  try {
    return sys.mapCreate({ ...plain, btf });
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return sys.mapCreate(plain);
  }
}

/** With a map of the inner shape, which is needed no longer than that. */
function createMap(sys: BpfSys, spec: ObjectSpec, map: MapSpec, btfFd: number | undefined): number {
  if (map.inner === undefined) return createWith(sys, spec, map, btfFd);
  const innerFd = createWith(sys, spec, map.inner, btfFd);
  try {
    return createWith(sys, spec, map, undefined, innerFd);
  } finally {
    sys.close(innerFd);
  }
}

function createWith(
  sys: BpfSys,
  spec: ObjectSpec,
  map: MapSpec,
  btfFd: number | undefined,
  innerFd?: number,
): number {
  const plain: MapCreate = {
    name: kernelMapName(spec, map),
    type: MAP_TYPES[map.type].id,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.type === "perf_event_array" && map.maxEntries === 0 ? 1 : map.maxEntries,
    flags: toMapDef(map).flags,
    mapExtra: map.mapExtra ?? 0n,
    numaNode: map.numaNode ?? 0,
    ...(innerFd === undefined ? {} : { innerFd }),
  };
  const { keyTypeId, valueTypeId } = map;
  const isTyped = btfFd !== undefined && valueTypeId > 0;
  const fd = isTyped ? createTyped(sys, plain, { fd: btfFd, keyTypeId, valueTypeId }) : sys.mapCreate(plain);
  if (map.data !== undefined) sys.mapUpdate(fd, new Uint8Array(4), map.data);
  if (map.readonlyData === true) sys.mapFreeze(fd);
  return fd;
}

/** Throws BpfError where the kernel refuses the types or a map. */
export function openVerdicts(spec: ObjectSpec): KernelVerdicts {
  const sys = new BpfSys("verdicts");
  const btf = spec.btf === undefined ? undefined : sys.btfLoad(encodeBtf(spec.btf));
  const maps = spec.maps.map((map) => createMap(sys, spec, map, btf));
  const infoOf = (prog: Prog): Uint8Array =>
    new Uint8Array(Uint32Array.from(prog.funcs.flatMap((f) => [f.pc, f.typeId])).buffer);
  return new KernelVerdicts({
    sys,
    maps,
    license: spec.license,
    funcs: (prog) =>
      btf === undefined || prog.funcs.length === 0 ? undefined : { btfFd: btf, info: infoOf(prog) },
  });
}
