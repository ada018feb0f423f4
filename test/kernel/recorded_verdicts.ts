// The recorded verdicts, test/recorded/verify.json: how they are written and read. One row a program, so that a
// difference between two recordings can be read.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RECORDED } from "./recordings.ts";
import type { Verdict } from "./verdicts.ts";

export interface RecordedObject {
  /** path from the root */
  readonly object: string;
  readonly sha256: string;
  readonly verdicts: readonly Verdict[];
}

export interface RecordedVerdicts {
  readonly kernel: string;
  readonly objects: readonly RecordedObject[];
}

/** errno, processed insns, total and peak states, then the last words where it was refused */
type Row = readonly [prog: string, sec: string, number, number, number, number, message?: string];

interface Packed {
  readonly kernel: string;
  readonly objects: readonly { object: string; sha256: string; programs: readonly Row[] }[];
}

export const VERDICTS = join(RECORDED, "verify.json");

const rowOf = (v: Verdict): Row => {
  const row = [v.prog, v.sec, v.errno, v.processed, v.totalStates, v.peakStates] as const;
  return v.errno === 0 ? row : [...row, v.message];
};

function verdictOf([prog, sec, errno, processed, totalStates, peakStates, message = ""]: Row): Verdict {
  return { prog, sec, errno, message, processed, totalStates, peakStates };
}

export function packVerdicts({ kernel, objects }: RecordedVerdicts): string {
  const packed = objects.map(({ object, sha256, verdicts }) => {
    const rows = verdicts.map((v) => `      ${JSON.stringify(rowOf(v))}`).join(",\n");
    return `    { "object": "${object}", "sha256": "${sha256}", "programs": [\n${rows}\n    ] }`;
  });
  return `{\n  "kernel": "${kernel}",\n  "objects": [\n${packed.join(",\n")}\n  ]\n}\n`;
}

export function readVerdicts(path = VERDICTS): RecordedVerdicts {
  const { kernel, objects } = JSON.parse(readFileSync(path, "utf8")) as Packed;
  return {
    kernel,
    objects: objects.map(({ object, sha256, programs }) => ({
      object,
      sha256,
      verdicts: programs.map(verdictOf),
    })),
  };
}
