// What a helper leaves in r0.
import type { HelperProto } from "../../spec/helpers.ts";
import type { Env } from "../env.ts";
import type { CallMeta } from "./call_meta.ts";
import { mayHoldLock } from "../btf/fields.ts";
import { exchanged } from "../mem/kptr.ts";
import { isStructType, sizeOfType } from "../../btf/query.ts";
import { socketKind, structReturned } from "./helper_objects.ts";
import {
  ALLOC,
  RCU,
  RDONLY,
  type RegKind,
  RINGBUF,
  MAYBE_NULL,
  NOT_INIT,
  type RegState,
  UNKNOWN,
  ptrReg,
  RegState as Reg,
  scalarReg,
  withId,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { withLimits } from "../scalar/bounds.ts";

/** The maps put into a map of maps may have another number of elements than its template. */
const F_INNER_MAP = 1 << 12;
const MAX_ERRNO = 4095;
const SIZES_KEPT = 64;

function limited(min: number, max: number): RegState {
  const [smin, smax] = [BigInt(min), BigInt(max)];
  const unsigned = min < 0 ? {} : { umin: smin, umax: smax };
  return scalarReg(withLimits(Scalar.unknown, { smin, smax, ...unsigned }));
}

/** A length or a negative errno. Made once for each length, of which programs do not know many. */
function sizeOrErrno(env: Env, max: number): RegState {
  let reg = env.sizes.get(max);
  if (reg !== undefined) return reg;
  reg = limited(-MAX_ERRNO, max);
  if (env.sizes.size < SIZES_KEPT) env.sizes.set(max, reg);
  return reg;
}

function integer(env: Env, proto: HelperProto, meta: CallMeta): RegState {
  if (proto.effects.returnsSize === true) return sizeOrErrno(env, meta.maxSize);
  const cpus = env.options.cpus;
  return proto.name !== "get_smp_processor_id" || cpus === undefined ? UNKNOWN : limited(0, cpus - 1);
}

function mapValue(env: Env, meta: CallMeta): RegState {
  const value = ptrReg("map_value", 0, meta.map);
  return mayHoldLock(env, value) ? withId(value, env.newId()) : value;
}

/** An array's element that certainly is there needs no check; another CPU's might not be. */
function mapValueOrNull(env: Env, proto: HelperProto, meta: CallMeta): RegState {
  const map = env.mapAt(meta.map);
  const sizeKnown = env.progMaps.isOwn(meta.map) || (map.flags & F_INNER_MAP) === 0;
  const always =
    sizeKnown && meta.constKey !== undefined && meta.constKey >= 0 && meta.constKey < map.maxEntries;
  if (always && proto.name === "map_lookup_elem") return mapValue(env, meta);
  return new Reg("map_value", 0, Scalar.zero, env.newId(), meta.map, MAYBE_NULL);
}

/** One CPU's part of a per-CPU variable: a struct, or memory of the variable's size. */
function percpu(env: Env, { percpu: type, percpuObject }: CallMeta, nullable: boolean): RegState {
  if (type === undefined) throw new Error("a per-CPU variable without a type");
  const flags = nullable ? MAYBE_NULL : 0;
  // an object of the program's own is there for every CPU
  if (percpuObject) return new Reg("ptr_", 0, Scalar.zero, 0, type.id, ALLOC | RCU, 0, type.btf);
  const id = nullable ? env.newId() : 0;
  if (isStructType(type.btf.resolve(type.id)))
    return new Reg("ptr_", 0, Scalar.zero, id, type.btf.resolve(type.id).id, flags, 0, type.btf);
  const size = sizeOfType(type.btf, type.id);
  if (size === undefined)
    env.reject("EINVAL", `unable to resolve the size of type '${type.btf.byId(type.id).name}': -22`);
  return new Reg("mem", 0, Scalar.zero, id, size, flags | RDONLY);
}

export function returned(env: Env, proto: HelperProto, meta: CallMeta): RegState {
  switch (proto.ret) {
    case "void":
      return NOT_INIT;
    case "integer":
      return integer(env, proto, meta);
    case "map_value":
      return mapValue(env, meta);
    case "map_value_or_null":
      return mapValueOrNull(env, proto, meta);
    case "ringbuf_mem_or_null":
      return new Reg("mem", 0, Scalar.zero, env.newId(), meta.allocSize, RINGBUF | MAYBE_NULL);
    case "percpu":
    case "percpu_or_null":
      return percpu(env, meta, proto.ret === "percpu_or_null");
    case "sock_or_null":
    case "sock_common_or_null":
    case "tcp_sock_or_null":
      return new Reg(socketKind(proto.ret) as RegKind, 0, Scalar.zero, env.newId(), 0, MAYBE_NULL);
    case "dynptr_mem_or_null":
      return new Reg(
        "mem",
        0,
        Scalar.zero,
        env.newId(),
        meta.allocSize,
        MAYBE_NULL,
        meta.dynptr?.refId ?? 0,
        undefined,
        meta.dynptr?.id ?? 0,
      );
    case "kptr_or_null":
      if (meta.field === undefined) throw new Error(`bpf_${proto.name} without a field`);
      return exchanged(env, meta.field);
    default:
      return structReturned(env, proto.ret);
  }
}
