// Tables of names: section matching, and numbers against the system's own header where there is one.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BpfError, ERRNO, errnoName } from "../../src/spec/errors.ts";
import { MAP_TYPES, mapTypeName, mapTypeRow, sizeAllowed } from "../../src/spec/map_types.ts";
import { ATTACH_TYPES, attachTypeId, findSection, PROG_TYPES } from "../../src/spec/prog_types.ts";

// biome-ignore format: table
const rows = [
  ["xdp",                    "xdp",           "xdp",                       undefined],
  ["xdp.frags",              "xdp",           "xdp",                       undefined],
  ["xdp/devmap",             "xdp",           "xdp_devmap",                undefined],
  ["xdp.frags/cpumap",       "xdp",           "xdp_cpumap",                undefined],
  ["tc",                     "sched_cls",     undefined,                   undefined],
  ["tcx/ingress",            "sched_cls",     "tcx_ingress",               undefined],
  ["classifier",             "sched_cls",     undefined,                   undefined],
  ["action",                 "sched_act",     undefined,                   undefined],
  ["socket",                 "socket_filter", undefined,                   undefined],
  ["cgroup_skb/egress",      "cgroup_skb",    "cgroup_inet_egress",        undefined],
  ["cgroup/skb",             "cgroup_skb",    undefined,                   undefined],
  ["kprobe/do_sys_open",     "kprobe",        undefined,                   "do_sys_open"],
  ["kprobe",                 "kprobe",        undefined,                   undefined],
  ["kprobe.multi/tcp_*",     "kprobe",        "trace_kprobe_multi",        "tcp_*"],
  ["tracepoint/net/xmit",    "tracepoint",    undefined,                   "net/xmit"],
  ["lsm.s/bpf",              "lsm",           "lsm_mac",                   "bpf"],
  ["fentry/x",               "tracing",       "trace_fentry",              "x"],
  ["struct_ops/init",        "struct_ops",    undefined,                   "init"],
  ["syscall",                "syscall",       undefined,                   undefined],
  ["?tc",                    "sched_cls",     undefined,                   undefined],
  ["sk_reuseport/migrate",   "sk_reuseport",  "sk_reuseport_select_or_migrate", undefined],
  // by their beginning, as loaders other than libbpf take them; a row that has the whole name comes before
  ["xdp/firewall",           "xdp",           "xdp",                       undefined],
  ["xdp_sock",               "xdp",           "xdp",                       undefined],
  ["xdp/devmap_egress",      "xdp",           "xdp_devmap",                undefined],
  ["xdp.frags/mine",         "xdp",           "xdp",                       undefined],
  ["classifier/ingress",     "sched_cls",     undefined,                   undefined],
  ["tc_ingress",             "sched_cls",     undefined,                   undefined],
  ["tc/ingress_v2",          "sched_cls",     "tcx_ingress",               undefined],
  ["socket/1",               "socket_filter", undefined,                   undefined],
  ["?socket1",               "socket_filter", undefined,                   undefined],
  ["cgroup/sockopt_mine",    "cgroup_sock",   "cgroup_inet_sock_create",   undefined],
  ["cgroup/getsockopt",      "cgroup_sockopt", "cgroup_getsockopt",        undefined],
  ["sk_skb/stream_parser/1", "sk_skb",        "sk_skb_stream_parser",      undefined],
] as const;
it.each(rows)("section %s", (name, type, attachType, attachTo) => {
  const m = findSection(name);
  expect([m?.row.type, m?.row.attachType, m?.attachTo]).toEqual([type, attachType, attachTo]);
});
it.each(["myxdp", "kprobes/x", "", "?", "maps", "ingress", "XDP", "fentry_x"])("no section %j", (name) => {
  expect(findSection(name)).toBeUndefined();
});

it("errors have a name, a number and one line", () => {
  const e = new BpfError("EOPNOTSUPP", "a\nb\u001b[31mc");
  expect([e.code, e.errno, e.message, e.name]).toEqual(["EOPNOTSUPP", 95, "a?b?[31mc", "BpfError"]);
  expect(ERRNO.ENOTSUPP).toBe(524);
  expect(errnoName(-13)).toBe("EACCES");
});

// biome-ignore format: table
const sizes = [
  ["array", "key", 4, true], ["array", "key", 8, false], ["hash", "key", 1, true], ["hash", "key", 0, false],
  ["lpm_trie", "key", 4, false], ["lpm_trie", "key", 260, true], ["lpm_trie", "key", 261, false],
  ["devmap", "value", 8, true], ["devmap", "value", 5, false], ["queue", "key", 0, true], ["queue", "key", 4, false],
] as const;
it.each(sizes)("%s %s of %i bytes: %s", (type, part, size, want) => {
  expect(sizeAllowed(mapTypeRow(type)[part], size)).toBe(want);
});

const UAPI = "/usr/include/linux/bpf.h";
describe.skipIf(!existsSync(UAPI))("numbers are the system header's", () => {
  const header = existsSync(UAPI) ? readFileSync(UAPI, "utf8") : "";
  const members = (name: string) =>
    (new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(header)?.[1] ?? "")
      .replaceAll(/\/\*[\s\S]*?\*\//g, "")
      .split(",")
      .map((s) => s.trim())
      .filter((s) => /^BPF_\w+$/.test(s));
  it("are there", () => expect(members("bpf_map_type").length).toBeGreaterThan(25));
  it("map types", () => {
    members("bpf_map_type")
      .slice(1)
      .forEach((n, i) => {
        const name = n.replace("BPF_MAP_TYPE_", "").replace("_DEPRECATED", "").toLowerCase();
        expect([mapTypeName(i + 1), MAP_TYPES[name as "hash"].id]).toEqual([name, i + 1]);
      });
  });
  it("program types", () => {
    members("bpf_prog_type").forEach((n, i) => {
      expect(PROG_TYPES[n.replace("BPF_PROG_TYPE_", "").toLowerCase() as "xdp"].id).toBe(i);
    });
  });
  it("attach types", () => {
    members("bpf_attach_type").forEach((n, i) => {
      const name = n.replace("BPF_", "").toLowerCase();
      expect(ATTACH_TYPES[i]).toBe(name);
      expect(attachTypeId(name as "xdp")).toBe(i);
    });
  });
});
