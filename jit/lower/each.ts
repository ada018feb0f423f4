// bpf_for_each_map_elem: a walk over a map's elements by number, its callback called directly where it is known.
// What is constant of a map that is always the same is a constant here; of any other it is read from its header.
import {
  CPU_INDEX,
  ELEM_KEY,
  MAP_ELEM_STRIDE,
  MAP_ELEMS_OFF,
  MAP_MAX_ENTRIES,
  MAP_PERCPU_STRIDE,
  MAP_TYPE,
  MAP_VALUE_OFF,
} from "../../runtime/memory/layout.ts";
import { BpfError, ERRNO } from "../../src/spec/errors.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import type { CallAux } from "../../src/verifier/proof.ts";
import type { MapBinding } from "./abi.ts";
import type { Expr, Fn } from "./fn.ts";
import { pollStop } from "./loop.ts";

/** Room below the frame for the key of an array's element, which is its number. */
const KEY_ROOM = 8;

class Walk {
  readonly #fn: Fn;
  readonly #map: MapBinding | undefined;

  constructor(fn: Fn, aux: CallAux | undefined) {
    this.#fn = fn;
    this.#map = aux?.map === undefined ? undefined : fn.env.maps[aux.map];
  }

  map(): Expr {
    const { m } = this.#fn;
    return this.#map === undefined ? this.#fn.get32(1) : m.i32.const(this.#map.address | 0);
  }

  #header(field: number, known: number | undefined): Expr {
    const { i32 } = this.#fn.m;
    return known === undefined ? i32.load(field, 4, this.map()) : i32.const(known | 0);
  }

  index(): Expr {
    return this.#fn.getTemp("eachIndex", "i32");
  }

  /** One of two, by whether the map is an array. */
  #byKind(array: () => Expr, chained: () => Expr): Expr {
    const { m } = this.#fn;
    const type = this.#map?.def.type;
    if (type !== undefined) return type === "array" || type === "percpu_array" ? array() : chained();
    const is = (id: number): Expr => m.i32.eq(m.i32.load(MAP_TYPE, 4, this.map()), m.i32.const(id));
    return m.if(m.i32.or(is(MAP_TYPES.array.id), is(MAP_TYPES.percpu_array.id)), array(), chained());
  }

  /** The number of the next element from `index` on, -1 when there is none. */
  next(pc: number): Expr {
    const { m, env } = this.#fn;
    const array = (): Expr => {
      const inside = m.i32.lt_u(this.index(), this.#header(MAP_MAX_ENTRIES, this.#map?.def.maxEntries));
      return m.select(inside, this.index(), m.i32.const(-1));
    };
    const chained = (): Expr => {
      const target = env.libFunction("map_each_next");
      if (target === undefined)
        throw new BpfError("EOPNOTSUPP", `${pc}: helper bpf_for_each_map_elem is not available here`);
      return m.call(target, [this.map(), this.index()], env.b.i32);
    };
    return this.#byKind(array, chained);
  }

  #element(): Expr {
    const { i32 } = this.#fn.m;
    const first = i32.add(this.map(), this.#header(MAP_ELEMS_OFF, this.#map?.elemsOff));
    return i32.add(first, i32.mul(this.index(), this.#header(MAP_ELEM_STRIDE, this.#map?.elemStride)));
  }

  key(keyRoom: () => Expr): Expr {
    const { m, env } = this.#fn;
    const array = (): Expr =>
      m.block(null, [m.i32.store(0, 4, keyRoom(), this.index()), keyRoom()], env.b.i32);
    return this.#byKind(array, () => m.i32.add(this.#element(), m.i32.const(ELEM_KEY)));
  }

  value(): Expr {
    const { i32 } = this.#fn.m;
    const value = i32.add(this.#element(), this.#header(MAP_VALUE_OFF, this.#map?.valueOff));
    if (this.#map?.percpuStride === 0) return value;
    const cpu = i32.load(CPU_INDEX, 4, this.#fn.cpu());
    return i32.add(value, i32.mul(cpu, this.#header(MAP_PERCPU_STRIDE, this.#map?.percpuStride)));
  }
}

/** bpf_for_each_map_elem(map, callback, ctx, flags): elements visited, the one that asked for the end included. */
export function lowerForEach(fn: Fn, pc: number, aux: CallAux | undefined): void {
  const { m } = fn;
  const { i32, i64 } = m;
  const walk = new Walk(fn, aux);
  const [next, done] = [`each${pc}`, `eachDone${pc}`];
  const count = (): Expr => fn.getTemp("eachCount", "i32");
  const keyRoom = (): Expr => i32.sub(fn.calleeFp(), i32.const(KEY_ROOM));
  const args = (): Expr[] => [
    i64.extend_u(walk.map()),
    i64.extend_u(walk.key(keyRoom)),
    i64.extend_u(walk.value()),
    fn.get(3),
    fn.imm64(0),
  ];

  const body = m.block(
    null,
    [
      fn.setTemp("eachIndex", "i32", walk.next(pc)),
      m.br_if(done, i32.lt_s(walk.index(), i32.const(0))),
      pollStop(fn, pc),
      fn.setTemp("eachCount", "i32", i32.add(count(), i32.const(1))),
      fn.setTemp("eachResult", "i64", callElem(fn, pc, aux, keyRoom(), args())),
      fn.setTemp("eachIndex", "i32", i32.add(walk.index(), i32.const(1))),
      m.br_if(next, i64.eqz(fn.getTemp("eachResult", "i64"))),
    ],
    fn.env.b.none,
  );
  const zero = (name: string): Expr => fn.setTemp(name, "i32", i32.const(0));
  const run = m.block(done, [zero("eachIndex"), zero("eachCount"), m.loop(next, body)], fn.env.b.none);
  const visited = m.block(null, [run, i64.extend_u(count())], fn.env.b.i64);
  fn.set(0, m.if(i64.ne(fn.get(4), fn.imm64(0)), fn.imm64(-ERRNO.EINVAL), visited));
}

/** The callback's frame starts below the room for the key. */
function callElem(fn: Fn, pc: number, aux: CallAux | undefined, fp: Expr, args: readonly Expr[]): Expr {
  const { m, env } = fn;
  const { i32, i64, createType } = env.b;
  const all = [fn.cpu(), fp, ...args];
  if (aux?.callback !== undefined) return m.call(env.subprogName(aux.callback), all, i64);
  const params = createType([i32, i32, i64, i64, i64, i64, i64]);
  return fn.mark(m.call_indirect(env.table, fn.get32(2), all, params, i64), pc);
}
