// Helpers by number and by name: every id of the uapi header, with a prototype for each group of programs that may
// call it. The rows are in src/spec/helpers, by what helpers work on.
import { BASE } from "./helpers/base.ts";
import { mayCall } from "./helpers/callers.ts";
import { HOOK_HELPERS, LIRC_BASE } from "./helpers/hooks.ts";
import type { HelperEffects, HelperProto, Row } from "./helpers/proto.ts";
import { SKB_HELPERS } from "./helpers/skb.ts";
import { SOCKET_HELPERS } from "./helpers/socket.ts";
import { TRACING_HELPERS } from "./helpers/tracing.ts";
import { effectiveAttach } from "./prog_rules.ts";
import type { AttachTypeName, ProgTypeName } from "./prog_types.ts";

export {
  type ArgKind,
  argKind,
  type ArgType,
  type DynptrArg,
  type FixedArg,
  type HelperEffects,
  type HelperProto,
  type BtfRet,
  type RetType,
} from "./helpers/proto.ts";

export interface HelperRow {
  readonly id: number;
  /** without `bpf_` */
  readonly name: string;
  /** in the order in which they are tried; never empty */
  readonly protos: readonly HelperProto[];
  /** the first: what is the same in all of them may be read here */
  readonly proto: HelperProto;
}

const TABLES: readonly (readonly Row[])[] = [
  BASE,
  SKB_HELPERS,
  SOCKET_HELPERS,
  HOOK_HELPERS,
  TRACING_HELPERS,
];

function toProto([id, name, args, ret, callers, effects]: Row): HelperProto {
  return { id, name, args, ret, callers, effects: effects ?? {} };
}

function toHelperRows(rows: readonly Row[]): (HelperRow | undefined)[] {
  const byId: (HelperRow | undefined)[] = [undefined];
  for (const row of rows) {
    const proto = toProto(row);
    const known = byId[proto.id];
    byId[proto.id] =
      known === undefined
        ? { id: proto.id, name: proto.name, protos: [proto], proto }
        : { ...known, protos: [...known.protos, proto] };
  }
  return byId;
}

/** Index = helper id; 0 is undefined. */
export const HELPERS: readonly (HelperRow | undefined)[] = toHelperRows(TABLES.flat());

const byName: ReadonlyMap<string, HelperRow> = new Map(
  HELPERS.flatMap((row) => (row === undefined ? [] : [[row.name, row] as const])),
);

/** The row of a helper by its name without `bpf_`. */
export function helperByName(name: string): HelperRow | undefined {
  return byName.get(name);
}

function isAmong(target: string, targets: HelperEffects["targets"]): boolean {
  if (targets === undefined) return true;
  return targets instanceof RegExp ? targets.test(target) : targets.includes(target);
}

/** The helper as a program of this type sees it; undefined where it may not call it. */
export function helperProto(
  id: number,
  type: ProgTypeName,
  attach: AttachTypeName | undefined,
  /** what it is attached to, by the name in BTF */
  target = "",
): HelperProto | undefined {
  const own = effectiveAttach(type, attach);
  return HELPERS[id]?.protos.find(
    (p) =>
      isAmong(target, p.effects.targets) &&
      (mayCall(p.callers, type, own) || (type === "lirc_mode2" && LIRC_BASE.has(p.name))),
  );
}
