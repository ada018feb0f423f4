// What the reader makes of one object that has everything, and of every committed object.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ProgSpec } from "../../src/elf/object_spec.ts";
import { readObject } from "../../src/elf/read_object.ts";
import { MAP_FLAGS } from "../../src/spec/map_types.ts";
import { checkSpec, OBJECTS } from "../fuzz/elf.ts";

const load = (name: string) =>
  readObject(readFileSync(fileURLToPath(new URL(`./objects/${name}`, import.meta.url))), name);
const spec = load("features.o");
const prog = (name: string): ProgSpec => {
  const p = spec.progs.find((q) => q.name === name);
  if (p === undefined) throw new Error(`no program ${name}`);
  return p;
};

describe("maps", () => {
  // biome-ignore format: table
  const rows = [
    ["in1",          "array",         4, 8,  4,    0],
    ["in2",          "array",         4, 8,  4,    0],
    ["outer",        "array_of_maps", 4, 4,  4,    0],
    ["progs",        "prog_array",    4, 4,  8,    0],
    ["flows",        "hash",          4, 48, 1024, MAP_FLAGS.NO_PREALLOC],
    [".rodata",      "array",         4, 33, 1,    MAP_FLAGS.RDONLY_PROG | MAP_FLAGS.MMAPABLE],
    [".data",        "array",         4, 12, 1,    MAP_FLAGS.MMAPABLE],
    [".data.custom", "array",         4, 48, 1,    MAP_FLAGS.MMAPABLE],
    [".rodata.cst16", "array",        4, 16, 1,    MAP_FLAGS.RDONLY_PROG],
    [".bss",         "array",         4, 4,  1,    MAP_FLAGS.MMAPABLE],
  ] as const;
  it("have libbpf's order, sizes and flags; a refused one is left out", () => {
    expect(spec.maps.map((m) => [m.name, m.type, m.keySize, m.valueSize, m.maxEntries, m.flags])).toEqual(
      rows,
    );
  });

  const map = (name: string) => spec.maps.find((m) => m.name === name);
  it("keep pinning and special fields", () => {
    expect(map("flows")?.pinByName).toBe(true);
    expect(map("in1")?.pinByName).toBe(false);
    expect(map("flows")?.specialFields).toEqual([
      { kind: "bpf_timer", name: "t", off: 8, size: 16 },
      { kind: "bpf_spin_lock", name: "l", off: 24, size: 4 },
    ]);
  });
  it("keep inner maps and initialisers", () => {
    expect(map("outer")?.inner).toMatchObject({
      name: "outer.inner",
      type: "array",
      valueSize: 8,
      maxEntries: 4,
    });
    expect(map("outer")?.values).toEqual([
      { key: 0, target: "in1", kind: "map" },
      { key: 2, target: "in2", kind: "map" },
    ]);
    expect(map("progs")?.values).toEqual([{ key: 3, target: "xdp_frags", kind: "prog" }]);
  });
  it("hold a copy of their data", () => {
    const bytes = readFileSync(fileURLToPath(new URL("./objects/features.o", import.meta.url)));
    const data = readObject(bytes, "x.o").maps.find((m) => m.name === ".data")?.data;
    bytes.fill(0);
    expect(data && Buffer.from(data).toString("hex")).toBe("887766554433221103000000");
  });
});

describe("variables", () => {
  // biome-ignore format: table
  const rows = [
    [".rodata",      "ro_int",           0,  4],
    [".rodata",      "ro_str",           4,  8],
    [".rodata",      "ro_static",        16, 8],
    [".rodata",      "tc_ksym.____fmt",  24, 9],
    [".data",        "dat",              0,  8],
    [".data",        "scount",           8,  4],
    [".data.custom", "cfg",              0,  48],
    [".bss",         "counter",          0,  4],
  ] as const;
  it("lie where the symbols say", () => {
    expect(spec.variables.map((v) => [v.section, v.name, v.off, v.size])).toEqual(rows);
    for (const v of spec.variables) expect(spec.maps[v.map]?.name).toBe(v.section);
  });
  it("are also in the BTF's data sections", () => {
    const t = spec.btf?.find(".rodata", "datasec");
    expect(t?.size).toBe(33);
    expect(t?.vars.map((v) => v.off)).toEqual([0, 4, 16, 24]);
  });
});

describe("programs", () => {
  // biome-ignore format: table
  const rows = [
    ["xdp_main",  "xdp",        "xdp",          undefined,     undefined],
    ["xdp_frags", "xdp",        "xdp",          undefined,     undefined],
    ["tc_ksym",   "sched_cls",  undefined,      undefined,     undefined],
    ["xdp_odd",   "xdp",        "xdp",          undefined,     "features.o: section xdp, offset 0x108: map odd: unknown member colour"],
    ["trace",     "tracing",    "trace_fentry", "tcp_connect", undefined],
    ["tc_core",   "sched_cls",  "tcx_ingress",  undefined,     undefined],
    ["unknown",   "unspec",     undefined,      undefined,     "features.o: section what: no program type goes by this section name"],
  ] as const;
  it.each(rows)("%s", (name, type, attach, attachTo, refused) => {
    const p = prog(name);
    expect([p.type, p.expectedAttachType, p.attachTo, p.refused]).toEqual([type, attach, attachTo, refused]);
  });
  it("are these and no others", () => {
    expect(spec.progs.map((p) => p.name).sort()).toEqual(rows.map((r) => r[0]).sort());
    expect(spec.license).toBe("GPL");
    expect(prog("xdp_frags").flags).toContain("frags");
  });

  it("carry each subprogram they reach once, in the order they meet them", () => {
    expect(prog("xdp_main").subprogs.map((s) => [s.name, s.global])).toEqual([
      ["xdp_main", true],
      ["cb", false],
      ["glob", true],
      ["stat", false],
    ]);
    expect(prog("xdp_frags").subprogs.map((s) => s.name)).toEqual(["xdp_frags", "stat"]);
  });
  it("call and point to the starts of subprograms", () => {
    for (const p of spec.progs) {
      const starts = p.subprogs.map((s) => s.pc);
      for (const i of p.insns) {
        if (i?.kind === "call" && i.callee.kind === "subprog") expect(starts).toContain(i.callee.target);
        if (i?.kind === "ld_imm64" && i.value.kind === "func") expect(starts).toContain(i.value.target);
      }
    }
    const refs = (kind: string) =>
      prog("xdp_main").insns.filter((i) => i?.kind === "ld_imm64" && i.value.kind === kind);
    expect(refs("func").length).toBe(1);
  });
  it("refer to maps and data by index", () => {
    const seen = prog("xdp_main").insns.flatMap((i) => {
      if (i?.kind !== "ld_imm64") return [];
      if (i.value.kind === "map") return [spec.maps[i.value.map]?.name];
      return i.value.kind === "map_value" ? [`${spec.maps[i.value.map]?.name}+${i.value.off}`] : [];
    });
    expect(new Set(seen)).toEqual(
      new Set(["flows", "progs", ".rodata+4", ".rodata+16", ".rodata+0", ".data+8", ".bss+0"]),
    );
  });
  it("name what they need from the kernel", () => {
    expect(prog("trace").kfuncs).toEqual([{ pc: 1, name: "bpf_some_kfunc", weak: false }]);
    expect(prog("trace").insns[1]).toMatchObject({ kind: "call", callee: { kind: "kfunc", btfId: 0 } });
    expect(prog("tc_ksym").externs).toMatchObject([{ name: "bpf_link_fops", weak: true, kind: "ksym" }]);
    expect(prog("xdp_frags").externs).toMatchObject([
      { name: "LINUX_KERNEL_VERSION", weak: false, kind: "kconfig" },
    ]);
  });
  it("keep function and line records at their insns", () => {
    for (const p of spec.progs.filter((q) => q.refused === undefined)) {
      expect(p.funcs.map((f) => f.pc)).toEqual(p.subprogs.map((s) => s.pc));
      p.funcs.forEach((f, i) => expect(spec.btf?.byId(f.typeId).name).toBe(p.subprogs[i]?.name));
      for (const s of p.subprogs) expect(p.lines.some((l) => l.pc === s.pc)).toBe(true);
    }
    const line = prog("xdp_main").lines.find((l) => l.text.includes("bpf_tail_call"));
    expect(line?.file).toMatch(/features\.bpf\.c$/);
    expect(line?.text).toBe("\tbpf_tail_call(ctx, &progs, 3);");
  });
  it("keep CO-RE relocations", () => {
    expect(prog("tc_core").coreRelos.map((r) => [r.accessStr, r.kind])).toEqual([
      ["0:1", 0],
      ["0:0", 2],
      ["0", 9],
      ["1", 11],
    ]);
  });
});

it("reads legacy maps and objects without BTF", () => {
  const old = load("legacy.o");
  expect(old.btf).toBeUndefined();
  expect(old.license).toBe("");
  expect(old.maps.map((m) => [m.name, m.type, m.keySize, m.valueSize, m.maxEntries])).toEqual([
    ["first", "array", 4, 8, 16],
    ["second", "lru_hash", 12, 4, 100],
    [".rodata", "array", 4, 4, 1],
    [".bss", "array", 4, 4, 1],
  ]);
  expect(old.variables.map((v) => v.name)).toEqual(["limit", "total"]);
  expect(old.progs.map((p) => [p.name, p.refused])).toEqual([
    ["legacy", undefined],
    ["sock", undefined],
  ]);
});

it.each(OBJECTS.map((o) => [o.name, o.bytes] as const))("%s is read whole", (name, bytes) => {
  const s = readObject(bytes, name);
  checkSpec(s);
  expect(s.progs.length > 0).toBe(name !== "no_programs.o");
  // Those named bad hold what only hand-written code does.
  const invalid = s.progs.flatMap((p) => p.insns.filter((i) => i?.kind === "invalid"));
  expect(invalid.length > 0).toBe(name.startsWith("bad."));
});
