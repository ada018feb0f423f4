// Which maps may hold timers, work queues and locks: what Linux 6.18.44 answered for each type and flag.
import { describe, expect, it } from "vitest";
import { checkMapSpec } from "../../runtime/load/map_check.ts";
import type { MapSpec, SpecialField } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapTypeName } from "../../src/spec/map_types.ts";

const RDONLY_PROG = 128;
const WRONLY_PROG = 256;
const NO_PREALLOC = 1;

const FIELD: Record<string, SpecialField> = {
  lock: { kind: "bpf_spin_lock", name: "l", off: 0, size: 4 },
  timer: { kind: "bpf_timer", name: "t", off: 8, size: 16 },
  timer2: { kind: "bpf_timer", name: "t2", off: 24, size: 16 },
  work: { kind: "bpf_wq", name: "w", off: 40, size: 16 },
  askew: { kind: "bpf_timer", name: "t", off: 12, size: 16 },
};

function answer(type: MapTypeName, fields: string, flags = 0): string {
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
    specialFields: fields.split(" ").map((name) => FIELD[name] as SpecialField),
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
  specialFields: [FIELD["timer"] as SpecialField],
};
