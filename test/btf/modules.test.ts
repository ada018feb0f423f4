// A kernel's types with those of its modules behind them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Outside } from "../../runtime/load/outside.ts";
import { withModules } from "../../src/btf/modules.ts";
import { openBtf } from "../../src/btf/parse.ts";
import { BtfBuilder } from "./build.ts";

const kernel = new BtfBuilder();
const INT = kernel.int("int", 4, 1);
const SKB = kernel.struct("sk_buff", 4, [["len", INT, 0]]);

/** One of each kind that refers to others, each by a name with this ending. */
function moduleOf(end: string): Uint8Array {
  const m = new BtfBuilder(kernel);
  const encap = m.struct(`encap${end}`, 8, [
    ["port", INT, 0],
    [`own${end}`, INT, 32],
  ]);
  const ptr = m.add("ptr", "", 0, encap);
  const skb = m.add("ptr", "", 0, SKB);
  m.add("array", "", 0, 0, [encap, INT, 3]);
  m.add("enum", `modes${end}`, 1, 4, [m.str(`FAST${end}`), 7]);
  m.add("enum64", `wide${end}`, 1, 8, [m.str(`WIDE${end}`), 1, 2]);
  const proto = m.add("func_proto", "", 2, INT, [m.str(`skb${end}`), skb, m.str(`encap${end}`), ptr]);
  const func = m.add("func", `set_encap${end}`, 0, proto);
  m.add("decl_tag", "bpf_kfunc", 0, func, [0xffff_ffff]);
  const variable = m.add("var", `last${end}`, 0, encap, [1]);
  m.add("datasec", `.data${end}`, 1, 8, [variable, 0, 8]);
  return m.bytes();
}

const file = (where: string, bytes: Uint8Array) => ({ where, bytes });
const joined = () =>
  openBtf(
    withModules(file("vmlinux", kernel.bytes()), [file("fou", moduleOf("_a")), file("gue", moduleOf("_b"))]),
    "all",
  );

describe("modules' types", () => {
  it("leave the kernel's where they are", () => {
    expect(joined().types.slice(0, SKB + 1)).toEqual(openBtf(kernel.bytes(), "k").types);
  });

  it.each(["_a", "_b"])("refer to the kernel's and to their own: %s", (end) => {
    const btf = joined();
    const encap = btf.find(`encap${end}`, "struct");
    expect(encap).toMatchObject({ members: [{ name: "port", typeId: INT }, { name: `own${end}` }] });
    const func = btf.find(`set_encap${end}`, "func");
    const proto = btf.byId(func?.typeId ?? 0);
    if (proto.kind !== "func_proto") throw new Error(proto.kind);
    expect(proto.params.map((p) => p.name)).toEqual([`skb${end}`, `encap${end}`]);
    expect(proto.params.map((p) => btf.resolve(p.typeId))).toMatchObject([
      { kind: "ptr", typeId: SKB },
      { kind: "ptr", typeId: encap?.id },
    ]);
    expect(btf.declTags(func?.id ?? 0)).toEqual(["bpf_kfunc"]);
    expect(btf.types.find((t) => t.kind === "array" && t.typeId === encap?.id)).toBeDefined();
    expect(btf.find(`modes${end}`, "enum")).toMatchObject({ values: [{ name: `FAST${end}`, value: 7n }] });
    expect(btf.find(`wide${end}`, "enum64")).toMatchObject({
      values: [{ name: `WIDE${end}`, value: 0x2_0000_0001n }],
    });
    const last = btf.find(`last${end}`, "var");
    expect(last).toMatchObject({ typeId: encap?.id });
    expect(btf.find(`.data${end}`, "datasec")).toMatchObject({ vars: [{ typeId: last?.id }] });
  });

  it.each([
    ["no BTF", Buffer.from("nothing of that sort, just words"), "mod, offset 0x0: not BTF"],
    ["cut off", moduleOf("_a").subarray(0, 60), /mod, offset 0x18: the types needs/],
    ["of a kind that is not there", unknownKind(), "mod types, offset 0x0: not a whole type"],
  ])("%s are refused in one line", (_, bytes, says) => {
    expect(() => withModules(file("vmlinux", kernel.bytes()), [file("mod", bytes)])).toThrow(says);
  });
});

function unknownKind(): Uint8Array {
  const bytes = moduleOf("_a");
  bytes[24 + 7] = 31;
  return bytes;
}

describe("a kernel by its files", () => {
  let dir = "";
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "softirq-modules-"));
    writeFileSync(join(dir, "vmlinux"), kernel.bytes());
    writeFileSync(join(dir, "fou"), moduleOf("_a"));
    writeFileSync(join(dir, "gue"), moduleOf("_b"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it("asks its modules only for what it has not", () => {
    const outside = new Outside({ btf: join(dir, "vmlinux"), modules: dir });
    expect(outside.kernelBtf()?.find("set_encap_b", "func")).toBeUndefined();
    const btfWith = (names: readonly string[]) => outside.btfWith(names)();
    expect(btfWith([])).toBe(outside.kernelBtf());
    expect(btfWith(["set_encap_b"])?.find("set_encap_b", "func")).toBeDefined();
  });

  it("has none where no folder is named", () => {
    const outside = new Outside({ btf: join(dir, "vmlinux") });
    expect(outside.btfWith(["set_encap_b"])()).toBe(outside.kernelBtf());
  });

  it("refuses a folder that is not there", () => {
    const files = { btf: join(dir, "vmlinux"), modules: join(dir, "none") };
    expect(() => new Outside(files)).toThrow("none: not a folder with the types of modules");
  });
});
