// Where the recordings, their objects and their captures lie. Captures that are not part of the repository may be
// absent; who asks is told.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
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

/** The objects of the tests and examples, as paths from the root. */
export function objectPaths(): string[] {
  return ["test/objects", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((f) => f.endsWith(".o"))
      .map((f) => `${folder}/${f}`),
  );
}

export function findCapture(name: string): string | undefined {
  return CAPTURE_FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
