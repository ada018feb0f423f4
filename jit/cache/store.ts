// Compiled modules on disk: one file a key, read whole, written to a temporary name and renamed, so that
// readers and writers in any number of processes see whole files only. Whatever is wrong with a file or the
// folder makes a miss, never an error. Knows nothing of what the bytes mean.
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

/** Bytes of all entries together; the ones used longest ago go first. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Temporary files older than this belong to nobody. */
const STALE_MS = 60 * 60 * 1000;

const MAGIC = Buffer.from("SIRQMOD1", "latin1");
const HASH_SIZE = 32;
const HEADER_SIZE = MAGIC.length + HASH_SIZE;
const SUFFIX = ".mod";

export interface ModuleCache {
  read(key: string): Uint8Array | undefined;
  write(key: string, contents: Uint8Array): void;
}

export interface CacheOptions {
  readonly dir?: string;
  readonly maxBytes?: number;
}

/** $XDG_CACHE_HOME/softirq, else ~/.cache/softirq. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env["XDG_CACHE_HOME"];
  // the base directory rules say to ignore a relative path
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), ".cache"), "softirq");
}

/** SOFTIRQ_CACHE=off turns it off. */
export function isCacheOff(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["SOFTIRQ_CACHE"] === "off";
}

export function openCache({ dir = defaultCacheDir(), maxBytes = MAX_BYTES }: CacheOptions = {}): ModuleCache {
  const pathOf = (key: string): string => join(dir, key + SUFFIX);
  return {
    read: (key) => attempt(() => (isOurs(dir) ? readEntry(pathOf(key)) : undefined)),
    write: (key, contents) =>
      attempt(() => {
        makeDirs(dir);
        if (!isOurs(dir)) return;
        writeEntry(dir, pathOf(key), contents);
        evict(dir, maxBytes);
      }),
  };
}

/** The cache is an aid: a full disk, a foreign folder or a lost race must not stop a run. */
function attempt<T>(action: () => T | undefined): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** One parent after the other: Node's own `recursive` never comes back where a parent cannot be made, as in /proc. */
function makeDirs(dir: string): void {
  if (existsSync(dir)) return;
  const parent = dirname(dir);
  if (parent !== dir) makeDirs(parent);
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another process was faster
  }
}

/** Modules are code: a folder that others may write to is not used. */
function isOurs(dir: string): boolean {
  const { uid, mode } = statSync(dir);
  return (process.getuid === undefined || uid === process.getuid()) && (mode & 0o022) === 0;
}

function hashOf(contents: Uint8Array): Buffer {
  return createHash("sha256").update(contents).digest();
}

function readEntry(path: string): Uint8Array | undefined {
  const file = readFileSync(path);
  const contents = file.subarray(HEADER_SIZE);
  const whole =
    file.length >= HEADER_SIZE &&
    file.subarray(0, MAGIC.length).equals(MAGIC) &&
    file.subarray(MAGIC.length, HEADER_SIZE).equals(hashOf(contents));
  if (!whole) return undefined;
  const now = new Date();
  attempt(() => utimesSync(path, now, now)); // used just now
  return contents;
}

function writeEntry(dir: string, path: string, contents: Uint8Array): void {
  const temporary = join(dir, `${randomBytes(12).toString("hex")}.tmp`);
  try {
    writeFileSync(temporary, Buffer.concat([MAGIC, hashOf(contents), contents]), { mode: 0o600, flag: "wx" });
    chmodSync(temporary, 0o600); // whatever the umask
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function evict(dir: string, maxBytes: number): void {
  const now = Date.now();
  const entries = readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    const stat = attempt(() => statSync(path));
    if (stat === undefined || !stat.isFile()) return [];
    if (name.endsWith(".tmp") && now - stat.mtimeMs > STALE_MS) rmSync(path, { force: true });
    return name.endsWith(SUFFIX) ? [{ path, size: stat.size, used: stat.mtimeMs }] : [];
  });
  let total = entries.reduce((sum, entry) => sum + entry.size, 0);
  for (const { path, size } of entries.toSorted((a, b) => a.used - b.used)) {
    if (total <= maxBytes) return;
    rmSync(path, { force: true });
    total -= size;
  }
}
