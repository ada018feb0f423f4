// Which maps may be created, held against every recorded answer of Linux 6.18.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { brokenRule, type CreateAttrs } from "../../runtime/load/map_rules.ts";
import { ERRNO, errnoName } from "../../src/spec/errors.ts";
import { MAP_TYPES, type MapTypeName } from "../../src/spec/map_types.ts";
import { type MapAttrs, mapQuestions } from "../kernel/map_attrs.ts";
import { RECORDED } from "../kernel/recordings.ts";

interface Answers {
  readonly kernel: string;
  /** errnos by type, in the order of the questions */
  readonly answers: Readonly<Record<MapTypeName, string>>;
}

const { answers } = JSON.parse(readFileSync(join(RECORDED, "map_create.json"), "utf8")) as Answers;

const INNER = { name: "i", type: "array", keySize: 4, valueSize: 4, maxEntries: 1 } as const;

function toAttrs(m: MapAttrs): CreateAttrs {
  const { typed, inner, ...rest } = m;
  const template = {
    ...INNER,
    flags: 0,
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: 0,
    datasecTypeId: 0,
    specialFields: [],
  };
  return {
    ...rest,
    keyTypeId: typed ? 1 : 0,
    valueTypeId: typed ? 2 : 0,
    ...(inner ? { inner: template } : {}),
  };
}

describe("maps are created as Linux creates them", () => {
  it.each(Object.keys(MAP_TYPES) as MapTypeName[])("%s", (type) => {
    const questions = mapQuestions(type);
    const recorded = answers[type].split(" ").map(Number);
    expect(recorded).toHaveLength(questions.length);
    const differ = questions.flatMap((m, i) => {
      // whether there is memory enough is not the rules' business
      const want = recorded[i] === ERRNO.ENOMEM ? 0 : (recorded[i] ?? 0);
      const have = brokenRule(toAttrs(m))?.code;
      const wanted = want === 0 ? undefined : errnoName(want);
      return have === wanted
        ? []
        : [
            `${JSON.stringify(m, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v))}: ${wanted}, ours ${have}`,
          ];
    });
    expect(differ).toEqual([]);
  });
});
