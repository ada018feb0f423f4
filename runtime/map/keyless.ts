// Maps without keys as the host sees them: QUEUE, STACK and BLOOM_FILTER. Values go in and out by the library's helpers, so
// that errnos are the kernel's for the same call. Knows no handles and no freezing: its caller has looked.
import { BpfError, errnoName } from "../../src/spec/errors.ts";
import type { MapHome } from "./bpf_map.ts";
import type { MapShape } from "./map_layout.ts";

export interface KeylessMap {
  readonly home: MapHome;
  readonly addr: number;
  readonly shape: MapShape;
}

const round8 = (n: number): number => (n + 7) & ~7;

/** What an errno means here. */
const WORDS: Partial<Record<string, string>> = {
  E2BIG: "is full",
  EINVAL: "not valid for this map",
  EOPNOTSUPP: "not supported for this map",
};

export function isKeyless({ shape }: KeylessMap): boolean {
  return shape.type === "queue" || shape.type === "stack" || shape.type === "bloom_filter";
}

function check(map: KeylessMap, what: string): void {
  if (!isKeyless(map))
    throw new BpfError("EINVAL", `${what} map '${map.shape.name}': a map of type ${map.shape.type} has keys`);
}

function fail(map: KeylessMap, what: string, result: bigint): never {
  const code = errnoName(Number(result)) ?? "EIO";
  throw new BpfError(code, `${what} map '${map.shape.name}': ${WORDS[code] ?? code}`);
}

/** Writes the value into scratch space; its address. */
function put({ home, shape }: KeylessMap, value: Uint8Array): number {
  if (value.length !== shape.valueSize)
    throw new BpfError(
      "EINVAL",
      `map '${shape.name}': a value has ${shape.valueSize} bytes, not ${value.length}`,
    );
  const at = home.scratch(shape.valueSize);
  new Uint8Array(home.memory.buffer).set(value, at);
  return at;
}

function copyOut({ home, shape }: KeylessMap, at: number): Uint8Array {
  // slice of a shared array would be shared too
  const out = new Uint8Array(shape.valueSize);
  out.set(new Uint8Array(home.memory.buffer, at, shape.valueSize));
  return out;
}

/** Throws E2BIG where a queue or stack is full, unless with BPF_EXIST: then the oldest value goes. */
export function pushValue(map: KeylessMap, value: Uint8Array, flags: number): void {
  check(map, "push to");
  const { home, addr } = map;
  const result = home.lib.map_push_elem(home.cpu, BigInt(addr), BigInt(put(map, value)), BigInt(flags));
  if (result !== 0n) fail(map, "push to", result);
}

/** The next value of a queue or stack, taken if `pop`; undefined if there is none. */
export function nextValue(map: KeylessMap, pop: boolean): Uint8Array | undefined {
  const what = pop ? "pop from" : "peek at";
  check(map, what);
  const { home, addr, shape } = map;
  if (shape.type === "bloom_filter") fail(map, what, -95n);
  const at = home.scratch(shape.valueSize);
  const { lib, cpu } = home;
  const result = pop
    ? lib.map_pop_elem(cpu, BigInt(addr), BigInt(at))
    : lib.map_peek_elem(cpu, BigInt(addr), BigInt(at));
  return result === 0n ? copyOut(map, at) : undefined;
}

/** Bloom filter: false if the value was certainly never pushed. */
export function mayContain(map: KeylessMap, value: Uint8Array): boolean {
  if (map.shape.type !== "bloom_filter")
    throw new BpfError("EINVAL", `map '${map.shape.name}': only a bloom filter is asked for values`);
  const { home, addr } = map;
  return home.lib.map_peek_elem(home.cpu, BigInt(addr), BigInt(put(map, value))) === 0n;
}

export function countValues({ home, addr, shape }: KeylessMap): number {
  return shape.type === "bloom_filter" ? 0 : home.lib.queue_collect(addr, 0, 0);
}

/** All values in the order in which they would be taken; a bloom filter does not know its own. */
export function allValues(map: KeylessMap): Uint8Array[] {
  const { home, addr, shape } = map;
  if (shape.type === "bloom_filter") return [];
  const stride = round8(shape.valueSize);
  const room = countValues(map);
  const at = home.scratch(Math.max(1, room) * stride);
  const count = Math.min(room, home.lib.queue_collect(addr, at, room));
  return Array.from({ length: count }, (_, i) => copyOut(map, at + i * stride));
}
