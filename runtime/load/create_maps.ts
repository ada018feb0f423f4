// The maps of an object come into being in a host: made, shared with other processes, or found pinned.
import type { MapSpec, ObjectSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { requireAddon } from "../../native/binding.ts";
import { attachSegment } from "../../native/segments.ts";
import type { Host } from "../host/host.ts";
import type { MapHandle } from "../host/live_map.ts";
import { createMap, mapLayout } from "../map/map_layout.ts";
import {
  LAYOUT_VERSION,
  MAP_HEADER_SIZE,
  MAP_KEY_SIZE,
  MAP_LAYOUT,
  MAP_MAGIC,
  MAP_MAGIC_VALUE,
  MAP_MAX_ENTRIES,
  MAP_NCPUS,
  MAP_TYPE,
  MAP_VALUE_SIZE,
  PAGE_SIZE,
  WORLD_STOP,
} from "../memory/layout.ts";
import { mapTypeRow } from "../../src/spec/map_types.ts";
import { asCreated, checkMapRuns, checkMapSpec } from "./map_check.ts";
import { toMapDef } from "./prog.ts";

/** Where libbpf pins maps that ask for it by name. */
const PIN_BY_NAME_DIR = "/sys/fs/bpf";

export interface CreateMapsOptions {
  /** path of a named segment by map name: the map is shared with every process that names the same segment */
  readonly shared?: Readonly<Record<string, string>>;
}

/** A handle for every map, but for those that cannot be made and that nobody needs. Closes what it made when one fails. */
export function createMaps(
  host: Host,
  spec: ObjectSpec,
  needed: ReadonlySet<number>,
  options: CreateMapsOptions,
): Map<string, MapHandle> {
  for (const name of Object.keys(options.shared ?? {})) {
    if (!spec.maps.some((m) => m.name === name))
      throw new BpfError("ENOENT", `${spec.name}: no map '${name}' to share`);
  }
  const maps = new Map<string, MapHandle>();
  try {
    for (const [index, map] of spec.maps.entries()) {
      const handle = createUnlessRefused(host, map, needed.has(index), options.shared?.[map.name]);
      if (handle !== undefined) maps.set(map.name, handle);
    }
    fillMapsOfMaps(spec, maps);
  } catch (error) {
    for (const handle of maps.values()) handle.close();
    throw error;
  }
  return maps;
}

/** What the definitions of maps of maps say is in them from the start. */
function fillMapsOfMaps(spec: ObjectSpec, maps: ReadonlyMap<string, MapHandle>): void {
  for (const map of spec.maps) {
    const outer = maps.get(map.name);
    for (const { key, target, kind } of map.values ?? []) {
      const inner = maps.get(target);
      if (kind !== "map" || outer === undefined || inner === undefined) continue;
      if (map.keySize !== 4)
        throw new BpfError(
          "EINVAL",
          `map '${map.name}': initial maps need keys of 4 bytes, these have ${map.keySize}`,
        );
      const bytes = new Uint8Array(map.keySize);
      new DataView(bytes.buffer).setUint32(0, key, true);
      outer.setInner(bytes, inner);
    }
  }
}

function createUnlessRefused(
  host: Host,
  given: MapSpec,
  needed: boolean,
  path: string | undefined,
): MapHandle | undefined {
  try {
    checkMapSpec(given);
    checkMapRuns(given, host.world.ncpus);
  } catch (error) {
    if (needed || !(error instanceof BpfError)) throw error;
    return undefined;
  }
  const map = asCreated(given, host.world.ncpus);
  const pin = `${PIN_BY_NAME_DIR}/${map.name}`;
  if (map.pinByName && host.bpffs.has(pin)) return reuse(host, map, pin);
  const handle = path === undefined ? createMapIn(host, map) : createShared(host, map, path);
  if (map.pinByName) host.bpffs.pin(pin, handle);
  return handle;
}

/** A pinned map of the same shape, as libbpf would use it. */
function reuse(host: Host, map: MapSpec, pin: string): MapHandle {
  const handle = host.bpffs.openMap(pin);
  const { shape } = handle;
  const same =
    shape.type === map.type &&
    shape.keySize === map.keySize &&
    shape.valueSize === map.valueSize &&
    shape.maxEntries === map.maxEntries;
  if (same) return handle;
  handle.close();
  throw new BpfError("EINVAL", `map '${map.name}': the map pinned at ${pin} has another shape`);
}

/** A map of its own, filled with what its definition says. */
export function createMapIn(host: Host, map: MapSpec): MapHandle {
  const def = toMapDef(asCreated(map, host.world.ncpus));
  const addr = host.world.alloc(mapLayout(def, host.world.ncpus).totalSize, PAGE_SIZE);
  makeAt(host, addr, def);
  const handle = host.addMap(addr, def).open();
  if (map.data !== undefined) handle.update(new Uint8Array(4), map.data);
  if (map.readonlyData === true) handle.freeze();
  return handle;
}

function makeAt(host: Host, addr: number, def: MapDef): void {
  const id = host.nextMapId();
  createMap(host.world.memory, host.lib, addr, def, {
    ncpus: host.world.ncpus,
    seed: host.seed + BigInt(id),
    id,
  });
}

/** In a named segment, filled by whoever is first. What holds addresses cannot be shared. */
function createShared(host: Host, map: MapSpec, path: string): MapHandle {
  const addon = requireAddon(`share map '${map.name}'`);
  const def = toMapDef(map);
  if (mapTypeRow(map.type).entries === "bytes")
    throw new BpfError("EOPNOTSUPP", `share map '${map.name}': a ring has one reader, not one a process`);
  if (mapTypeRow(map.type).holds !== "bytes")
    throw new BpfError(
      "EOPNOTSUPP",
      `share map '${map.name}': values of type ${map.type} mean nothing to another process`,
    );
  const special = map.specialFields[0];
  if (special !== undefined)
    throw new BpfError(
      "EOPNOTSUPP",
      `share map '${map.name}': a value with '${special.kind}' cannot be shared between processes`,
    );
  const size = Math.ceil(mapLayout(def, host.world.ncpus).totalSize / PAGE_SIZE) * PAGE_SIZE;
  const addr = host.world.alloc(size, PAGE_SIZE);
  attachSegment(addon, {
    path,
    view: host.world.bytes,
    off: addr,
    size,
    stop: { off: WORLD_STOP },
    init: () => makeAt(host, addr, def),
  });
  checkSegment(host, addr, def, path);
  return host.addMap(addr, def).open();
}

/** Another process made it: all that this one relies on is looked at. */
function checkSegment(host: Host, addr: number, def: MapDef, path: string): void {
  const header = new DataView(host.world.memory.buffer, addr, MAP_HEADER_SIZE);
  // biome-ignore format: table
  const expected: readonly (readonly [what: string, off: number, value: number])[] = [
    ["mark",          MAP_MAGIC,       MAP_MAGIC_VALUE],
    ["layout",        MAP_LAYOUT,      LAYOUT_VERSION],
    ["type",          MAP_TYPE,        mapTypeRow(def.type).id],
    ["key size",      MAP_KEY_SIZE,    def.keySize],
    ["value size",    MAP_VALUE_SIZE,  def.valueSize],
    ["max_entries",   MAP_MAX_ENTRIES, def.maxEntries],
    ["number of CPUs", MAP_NCPUS,      host.world.ncpus],
  ];
  for (const [what, off, value] of expected) {
    const found = header.getUint32(off, true);
    if (found !== value)
      throw new BpfError("EINVAL", `segment ${path}: the ${what} of its map is ${found}, not ${value}`);
  }
}
