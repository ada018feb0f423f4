// Which maps may hold timers, work queues and locks: what Linux 6.18.44 answered for each type and flag.
import { describe, expect, it } from "vitest";
import { checkMapSpec } from "../../runtime/load/map_check.ts";
import type { MapSpec, SpecialField } from "../../src/elf/object_spec.ts";
import { BtfBuilder } from "../btf/build.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { parseBtf } from "../../src/btf/parse.ts";
import { valueFields } from "../../src/elf/special_fields.ts";
import type { MapTypeName } from "../../src/spec/map_types.ts";

const RDONLY_PROG = 128;
const WRONLY_PROG = 256;
const NO_PREALLOC = 1;

/** Members of the value's struct: type and place. */
const FIELD = {
  lock: ["bpf_spin_lock", 0],
  timer: ["bpf_timer", 8],
  timer2: ["bpf_timer", 24],
  work: ["bpf_wq", 40],
  askew: ["bpf_timer", 12],
} as const;

/** The special fields of a struct with these members. */
function fieldsOf(names: string): SpecialField[] {
  const b = new BtfBuilder();
  const types = {
    bpf_spin_lock: b.struct("bpf_spin_lock", 4, []),
    bpf_timer: b.struct("bpf_timer", 16, []),
    bpf_wq: b.struct("bpf_wq", 16, []),
  };
  const members = names.split(" ").map((name) => {
    const [type, off] = FIELD[name as keyof typeof FIELD];
    return [name, types[type], off * 8] as const;
  });
  const value = b.struct("value", 64, members);
  return valueFields(parseBtf(b.bytes(), "t").btf, value);
}

/** The special fields of a lock and the root of a list, of structs whose node is the `nth` that goes by the name of one. */
function rootOf(nth: number, tags: number): SpecialField[] {
  const b = new BtfBuilder();
  const nodes = [1, 2].map(() => b.struct("bpf_list_node", 24, []));
  b.struct("item", 24, [["link", nodes[nth] ?? 0, 0]]);
  const lock = b.struct("bpf_spin_lock", 4, []);
  const head = b.struct("bpf_list_head", 16, []);
  const value = b.struct("value", 64, [
    ["lock", lock, 0],
    ["items", head, 64],
  ]);
  for (let i = 0; i < tags; i++) b.add("decl_tag", "contains:item:link", 0, value, [1]);
  return valueFields(parseBtf(b.bytes(), "t").btf, value);
}

function answer(type: MapTypeName, fields: string | SpecialField[], flags = 0): string {
  const map: MapSpec = {
    name: "m",
    type,
    keySize: type === "lpm_trie" ? 8 : 4,
    valueSize: 64,
    maxEntries: 4,
    flags: type === "lpm_trie" ? flags | NO_PREALLOC : flags,
    pinByName: false,
    keyTypeId: 1,
    valueTypeId: 2,
    datasecTypeId: 0,
    specialFields: typeof fields === "string" ? fieldsOf(fields) : fields,
  };
  try {
    checkMapSpec(map);
    return "";
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
}

describe("special fields", () => {
  // biome-ignore format: table
  it.each([
    ["hash",            { timer: "", "lock timer": "",                     "timer timer2": "", lock: "",           work: "" }],
    ["array",           { timer: "", "lock timer": "",                     "timer timer2": "", lock: "",           work: "" }],
    ["lru_hash",        { timer: "", "lock timer": "EOPNOTSUPP",           "timer timer2": "", lock: "EOPNOTSUPP", work: "" }],
    ["percpu_hash",     { timer: "EOPNOTSUPP", "lock timer": "EOPNOTSUPP", "timer timer2": "", lock: "EOPNOTSUPP", work: "EOPNOTSUPP" }],
    ["percpu_array",    { timer: "EOPNOTSUPP", "lock timer": "EOPNOTSUPP", "timer timer2": "", lock: "EOPNOTSUPP", work: "EOPNOTSUPP" }],
    ["lru_percpu_hash", { timer: "EOPNOTSUPP", "lock timer": "EOPNOTSUPP", "timer timer2": "", lock: "EOPNOTSUPP", work: "EOPNOTSUPP" }],
    ["lpm_trie",        { timer: "EOPNOTSUPP", "lock timer": "EOPNOTSUPP",                     lock: "EOPNOTSUPP", work: "EOPNOTSUPP" }],
  ] as const)("of %s", (type, want) => {
    const have = Object.fromEntries(Object.keys(want).map((fields) => [fields, answer(type, fields)]));
    expect(have).toEqual(want);
  });

  it.each(["hash", "lru_hash", "array", "percpu_hash"] as const)(
    "exclude the flags of programs: %s",
    (type) => {
      expect([RDONLY_PROG, WRONLY_PROG].map((flags) => answer(type, "timer", flags))).toEqual([
        "EACCES",
        "EACCES",
      ]);
    },
  );

  it("out of place are plain bytes", () => {
    expect(answer("percpu_array", "askew")).toBe("");
  });

  it("of roots keep structs that the kernel knows, by one tag", () => {
    expect([rootOf(0, 1), rootOf(1, 1)].map((fields) => answer("array", fields))).toEqual(["", "EFAULT"]);
    expect([0, 1, 2].map((tags) => rootOf(0, tags).length)).toEqual([0, 2, 0]);
  });

  it("say which types may hold them", () => {
    expect(() => checkMapSpec({ ...BARE, type: "percpu_array" })).toThrow(
      "map 'm': a value with 'bpf_timer' needs a map of type hash or lru_hash or array, not percpu_array",
    );
  });
});

const BARE: Omit<MapSpec, "type"> = {
  name: "m",
  keySize: 4,
  valueSize: 64,
  maxEntries: 4,
  flags: 0,
  pinByName: false,
  keyTypeId: 1,
  valueTypeId: 2,
  datasecTypeId: 0,
  specialFields: fieldsOf("timer"),
};
