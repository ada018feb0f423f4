// The kernel's types that come along: whole in themselves, with what programs name, and good for CO-RE.
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { Outside, OWN_BTF } from "../../runtime/load/outside.ts";
import { toProg } from "../../runtime/load/prog.ts";
import { openBtf } from "../../src/btf/parse.ts";
import { isStructType } from "../../src/btf/query.ts";
import { kfuncRow } from "../../src/spec/kfuncs/index.ts";

const own = new Outside({ btf: OWN_BTF }).kernelBtf();
if (own === undefined) throw new Error("no types came along");

it("every type can be read, every member lies in its struct", () => {
  for (const t of own.types) {
    if (!isStructType(t)) continue;
    for (const m of t.members) {
      const to = own.resolve(m.typeId);
      const bits = m.bitSize || (to.kind === "array" && to.nelems === 0 ? 0 : own.sizeof(m.typeId) * 8);
      expect(m.bitOff + bits, `${t.name}.${m.name}`).toBeLessThanOrEqual(t.size * 8);
    }
  }
});

// biome-ignore format: table
it.each([
  "sk_buff", "xdp_buff", "xdp_md", "__sk_buff", "sock", "sock_common", "tcp_sock", "udp_sock", "iphdr", "ipv6hdr",
  "ethhdr", "tcphdr", "udphdr", "task_struct", "nf_hook_state", "nf_conn", "nf_conn___init", "bpf_iter_num",
  "bpf_dynptr", "bpf_sock", "bpf_fib_lookup", "bpf_htab", "net_device", "bpf_ct_opts", "sk_buff__safe_rcu_or_null",
])("has struct %s with its members", (name) => {
  const t = own.find(name, "struct");
  expect(t?.size, name).toBeGreaterThan(0);
  expect(t?.members.length, name).toBeGreaterThan(0);
});

it("has prototypes of kernel functions, hooks and tracepoints", () => {
  for (const name of [
    "bpf_skb_ct_lookup",
    "bpf_dynptr_from_skb",
    "bpf_iter_num_next",
    "bpf_lsm_socket_bind",
    "tcp_v4_connect",
  ]) {
    const f = own.find(name, "func");
    const proto = own.resolve(f?.typeId ?? 0);
    expect(proto.kind === "func_proto" && proto.params.length, name).toBeGreaterThan(0);
  }
  expect(kfuncRow("bpf_skb_ct_lookup")).toBeDefined();
  const lookup = own.find("bpf_skb_ct_lookup", "func");
  expect(own.declTags(lookup?.id ?? 0)).toContain("bpf_kfunc");
  const trace = own.byId(own.resolve(own.find("btf_trace_kfree_skb", "typedef")?.id ?? 0).id);
  const proto = trace.kind === "ptr" ? own.resolve(trace.typeId) : trace;
  expect(proto.kind === "func_proto" && proto.params.map((p) => own.typeName(p.typeId))).toEqual(
    expect.arrayContaining(["void *", "struct sk_buff *"]),
  );
});

describe("an object relocated against them", () => {
  const path = fileURLToPath(new URL("../elf/objects/kernel.o", import.meta.url));
  const opened = openObject(path, { btf: OWN_BTF });
  const loads = (name: string): (string | number)[] =>
    toProg(opened.spec, opened.prog(name), opened.outside).insns.flatMap((i): (string | number)[] =>
      i?.kind === "ldx"
        ? [`${i.size}@${i.off}`]
        : i?.kind === "call" && i.callee.kind === "helper"
          ? [i.callee.id]
          : [],
    );
  const at = (struct: string, member: string): number => {
    const m = own.find(struct, "struct")?.members.find((x) => x.name === member);
    return (m?.bitOff ?? -8) / 8;
  };
  it("finds the fields where they are there", () => {
    const fields = loads("kern_fields");
    expect(fields).toContain(`4@${at("sk_buff", "len")}`);
    expect(fields).toContain(`4@${at("net_device", "ifindex")}`);
    expect(at("net_device", "ifindex")).toBeGreaterThan(0);
  });
  it("poisons what is not there", () => {
    expect(loads("unguarded_field")).toEqual([195896080]);
    expect(loads("unguarded_enum")).toEqual([195896080, 195896080]); // both halves of a 64-bit immediate
  });
});

const RUNNING = "/sys/kernel/btf/vmlinux";
it.skipIf(!existsSync(RUNNING) || !release().startsWith("6.18."))(
  "sizes are those of the kernel they are from",
  () => {
    const kernel = openBtf(readFileSync(RUNNING), RUNNING);
    for (const name of ["sk_buff", "sock", "tcp_sock", "task_struct", "net_device", "nf_conn"]) {
      const [a, b] = [own.find(name, "struct"), kernel.find(name, "struct")];
      expect(a?.size, name).toBe(b?.size);
      expect(a?.members.map((m) => [m.name, m.bitOff, m.bitSize])).toEqual(
        b?.members.map((m) => [m.name, m.bitOff, m.bitSize]),
      );
    }
  },
);
