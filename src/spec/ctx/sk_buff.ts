// struct __sk_buff: one struct, seen differently by the families of program types that get one.
import {
  ANY,
  type CtxField,
  type CtxLayout,
  type CtxValue,
  field,
  NARROW,
  PKT,
  PKT_END,
  PKT_META,
  SCALAR,
  SOCK_COMMON_OR_NULL,
  U32,
  U64,
  U8,
} from "./field.ts";

/** socket_filter; sched_cls and sched_act; cgroup_skb; the lwt types; sk_skb */
const FAMILIES = ["filter", "tc", "cgroup", "lwt", "stream"] as const;
type Family = (typeof FAMILIES)[number];

/** "rw": loads and stores, "r": loads, "-": not there; one for each family in their order. */
type Seen = "rw" | "r" | "-";

interface Row {
  readonly name: string;
  readonly off: number;
  readonly size: number;
  readonly load: number;
  readonly store: number;
  readonly seen: readonly Seen[];
  readonly gives: CtxValue;
}

function row(
  name: string,
  off: number,
  size: number,
  load: number,
  store: number,
  seen: string,
  gives: CtxValue = SCALAR,
): Row {
  return { name, off, size, load, store, seen: seen.split(/\s+/) as Seen[], gives };
}

// biome-ignore format: table
const ROWS: readonly Row[] = [
  //                    off size  load   store    filter tc  cgroup lwt stream
  row("len",              0,  4, NARROW, U32,     "r    r    r    r    r"),
  row("pkt_type",         4,  4, NARROW, U32,     "r    r    r    r    r"),
  row("mark",             8,  4, NARROW, U32,     "r    rw   rw   rw   -"),
  row("queue_mapping",   12,  4, NARROW, U32,     "r    rw   r    r    r"),
  row("protocol",        16,  4, NARROW, U32,     "r    r    r    r    r"),
  row("vlan_present",    20,  4, NARROW, U32,     "r    r    r    r    r"),
  row("vlan_tci",        24,  4, NARROW, U32,     "r    r    r    r    r"),
  row("vlan_proto",      28,  4, NARROW, U32,     "r    r    r    r    r"),
  row("priority",        32,  4, NARROW, U32,     "r    rw   rw   rw   rw"),
  row("ingress_ifindex", 36,  4, NARROW, U32,     "r    r    r    r    r"),
  row("ifindex",         40,  4, NARROW, U32,     "r    r    r    r    r"),
  row("tc_index",        44,  4, NARROW, U32,     "r    rw   r    r    rw"),
  row("cb",              48, 20, ANY,    ANY,     "rw   rw   rw   rw   r"),
  row("hash",            68,  4, NARROW, U32,     "r    r    r    r    r"),
  row("tc_classid",      72,  4, NARROW, U32,     "-    rw   -    -    -"),
  row("data",            76,  4, U32,    U32,     "-    r    r    r    r", PKT),
  row("data_end",        80,  4, U32,    U32,     "-    r    r    r    r", PKT_END),
  row("napi_id",         84,  4, NARROW, U32,     "r    r    r    r    r"),
  row("family",          88,  4, NARROW, U32,     "-    -    r    -    r"),
  row("remote_ip4",      92,  4, U32,    U32,     "-    -    r    -    r"),
  row("local_ip4",       96,  4, U32,    U32,     "-    -    r    -    r"),
  row("remote_ip6",     100, 16, U32,    U32,     "-    -    r    -    r"),
  row("local_ip6",      116, 16, U32,    U32,     "-    -    r    -    r"),
  row("remote_port",    132,  4, NARROW, U32,     "-    -    r    -    r"),
  row("local_port",     136,  4, NARROW, U32,     "-    -    r    -    r"),
  row("data_meta",      140,  4, U32,    U32,     "-    r    -    -    -", PKT_META),
  row("tstamp",         152,  8, U64,    U64,     "-    rw   rw   -    -"),
  row("wire_len",       160,  4, NARROW, U32,     "-    r    -    -    -"),
  row("gso_segs",       164,  4, NARROW, U32,     "r    r    r    r    r"),
  row("sk",             168,  8, U64,    U64,     "r    r    r    r    r", SOCK_COMMON_OR_NULL),
  row("gso_size",       176,  4, NARROW, U32,     "r    r    r    r    r"),
  row("tstamp_type",    180,  1, U8,     U8,      "-    r    -    -    -"),
  row("hwtstamp",       184,  8, U64,    U64,     "-    r    r    -    -"),
];

const SIZE = 192;

/** What cgroup programs may do only with CAP_BPF. */
const PRIVILEGED: Readonly<Record<string, CtxField["privileged"]>> = {
  data: "load",
  data_end: "load",
  tstamp: "store",
};

function seenBy(family: Family): CtxLayout {
  const column = FAMILIES.indexOf(family);
  const fields = ROWS.filter((r) => r.seen[column] !== "-").map((r): CtxField => {
    const store = r.seen[column] === "rw" ? r.store : 0;
    const f = field(r.name, r.off, r.size, r.load, store, r.gives);
    const privileged = family === "cgroup" ? PRIVILEGED[r.name] : undefined;
    return privileged === undefined ? f : { ...f, privileged };
  });
  return { name: "__sk_buff", size: SIZE, fields };
}

export const FILTER_SK_BUFF: CtxLayout = seenBy("filter");
export const TC_SK_BUFF: CtxLayout = seenBy("tc");
export const CGROUP_SK_BUFF: CtxLayout = seenBy("cgroup");
export const LWT_SK_BUFF: CtxLayout = seenBy("lwt");
export const STREAM_SK_BUFF: CtxLayout = seenBy("stream");

/** A flow dissector sees a packet that is no packet yet. */
export const DISSECTOR_SK_BUFF: CtxLayout = {
  name: "__sk_buff",
  size: SIZE,
  fields: [
    field("data", 76, 4, U32, 0, PKT),
    field("data_end", 80, 4, U32, 0, PKT_END),
    field("flow_keys", 144, 8, U64, 0, { kind: "flow_keys" }),
  ],
};
