// Where the recordings, their objects and their captures lie. Captures that are not part of the repository may be
// absent; who asks is told.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readRecording, type Recording } from "./answers.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const RECORDED = join(ROOT, "test/recorded");
const CAPTURE_FOLDERS = ["examples", "test/kernel", "../shared/pcaps"].map((folder) => join(ROOT, folder));

export const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

export function recordingNames(): string[] {
  return readdirSync(RECORDED)
    .filter((f) => f.endsWith(".jsonl.gz"))
    .map((f) => f.slice(0, -".jsonl.gz".length))
    .sort();
}

export function recordingOf(name: string): Recording {
  return readRecording(join(RECORDED, `${name}.jsonl.gz`));
}

const objectsIn = (...folders: readonly string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((f) => f.endsWith(".o"))
      .sort()
      .map((f) => `${folder}/${f}`),
  );

/** The objects of the tests and examples that run, as paths from the root. */
export const objectPaths = (): string[] => objectsIn("test/objects", "examples");

/** Objects whose verdicts lie elsewhere: libbpf 1.1 cannot load what catches exceptions. */
const ELSEWHERE: ReadonlySet<string> = new Set(["throws.o", "throws.v4.o"]);

/** The objects whose verdicts are recorded. */
export const verifiedPaths = (): string[] =>
  objectsIn(
    "examples",
    "test/objects",
    "test/verifier/objects",
    "test/verifier/toolchains",
    "test/verifier/twins",
  ).filter((o) => !ELSEWHERE.has(basename(o)));

export function findCapture(name: string): string | undefined {
  return CAPTURE_FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
