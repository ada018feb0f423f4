// The walker's result rows as plain objects: what became of each packet.
import { errnoName } from "../../src/spec/errors.ts";
import { type FrameKind, type RunType, verdictClasses } from "../../src/spec/run_types.ts";
import {
  REDIRECT_CLONE,
  REDIRECT_BROADCAST,
  REDIRECT_IFINDEX,
  REDIRECT_MAP,
  ROW_CB,
  ROW_CRC32,
  ROW_ERRNO,
  ROW_LEN,
  ROW_MARK,
  ROW_META_LEN,
  ROW_PACKET,
  ROW_PRIORITY,
  ROW_REDIRECT_IFINDEX,
  ROW_REDIRECT_INDEX,
  ROW_REDIRECT_KIND,
  ROW_REDIRECT_MAP,
  ROW_RETVAL,
  ROW_TS,
  ROW_VERDICT,
} from "../memory/layout.ts";

export interface Redirect {
  readonly map?: string;
  readonly index?: number;
  readonly ifindex?: number;
  /** a copy went there; the packet itself is what the verdict says */
  readonly clone?: true;
}

/** One packet's outcome. `len` and `crc32` (zlib's, 8 hex digits) are of the bytes as they left, metadata first. */
export interface PacketResult {
  readonly i: number;
  /** nanoseconds since the epoch, decimal */
  readonly ts_ns: string;
  readonly verdict?: string;
  /** what the program returned, unsigned 32 bits */
  readonly retval?: number;
  readonly len?: number;
  readonly crc32?: string;
  readonly meta_len?: number;
  /** these three of programs on __sk_buff */
  readonly mark?: number;
  readonly priority?: number;
  readonly cb?: readonly number[];
  readonly redirect?: Redirect;
  /** the packet could not be run: the errno's name */
  readonly error?: string;
}

export interface RowContext {
  /** by class; undefined where a return value has no name */
  readonly verdicts: readonly (string | undefined)[];
  readonly frames: FrameKind;
  /** name and, for a device map, the target of a key; by header address */
  readonly mapName: (header: number) => string;
  readonly redirectTarget: (header: number, index: number) => number | undefined;
}

export function verdictNames(run: RunType): readonly (string | undefined)[] {
  return verdictClasses(run).map(({ name }) => name);
}

/** Called for every packet when verdicts are asked for: built in one shape, without spreads. */
export function decodeResult(view: DataView, at: number, ctx: RowContext): PacketResult {
  const i = view.getUint32(at + ROW_PACKET, true) + view.getUint32(at + ROW_PACKET + 4, true) * 2 ** 32;
  const ts_ns = fmtNs(view.getUint32(at + ROW_TS, true), view.getUint32(at + ROW_TS + 4, true));
  const errno = view.getUint32(at + ROW_ERRNO, true);
  if (errno !== 0) return { i, ts_ns, error: errnoName(errno) ?? String(errno) };
  const verdict = ctx.verdicts[view.getUint32(at + ROW_VERDICT, true)];
  const retval = view.getUint32(at + ROW_RETVAL, true);
  const len = view.getUint32(at + ROW_LEN, true);
  const crc32 = view
    .getUint32(at + ROW_CRC32, true)
    .toString(16)
    .padStart(8, "0");
  const result: Mutable<PacketResult> =
    verdict === undefined ? { i, ts_ns, retval, len, crc32 } : { i, ts_ns, verdict, retval, len, crc32 };
  const metaLen = view.getUint32(at + ROW_META_LEN, true);
  if (metaLen !== 0) result.meta_len = metaLen;
  if (ctx.frames === "skb") {
    result.mark = view.getUint32(at + ROW_MARK, true);
    result.priority = view.getUint32(at + ROW_PRIORITY, true);
    result.cb = CB_WORDS.map((word) => view.getUint32(at + ROW_CB + word * 4, true));
  }
  if (view.getUint32(at + ROW_REDIRECT_KIND, true) !== 0) {
    const redirect = decodeRedirect(view, at, ctx);
    if (redirect !== undefined) result.redirect = redirect;
  }
  return result;
}

const CB_WORDS = [0, 1, 2, 3, 4];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A u64 in two halves as a decimal string; seconds and nanoseconds fit a double each, so no BigInt is needed. */
function fmtNs(lo: number, hi: number): string {
  if (hi < 1 << 21) return String(hi * 2 ** 32 + lo);
  // 2^32 is 4 * 1e9 + 294967296: what hi stands for in seconds, and the rest of at most 1.3e18 in two steps
  const high = hi >>> 16;
  const low = hi & 0xffff;
  // 2^48 is 281474 * 1e9 + 976710656
  const rest = high * 976_710_656 + low * 294_967_296 + lo;
  const seconds = high * 281_474 + low * 4 + Math.floor(rest / 1e9);
  return `${seconds}${String(rest % 1e9).padStart(9, "0")}`;
}

/** A result as a line of JSON, the same as JSON.stringify makes it and several times as fast. */
export function fmtResult(r: PacketResult): string {
  const head = `{"i":${r.i},"ts_ns":"${r.ts_ns}"`;
  if (r.error !== undefined) return `${head},"error":"${r.error}"}`;
  const verdict = r.verdict === undefined ? "" : `,"verdict":"${r.verdict}"`;
  const meta = r.meta_len === undefined ? "" : `,"meta_len":${r.meta_len}`;
  const skb =
    r.cb === undefined ? "" : `,"mark":${r.mark ?? 0},"priority":${r.priority ?? 0},"cb":[${r.cb.join(",")}]`;
  const redirect = r.redirect === undefined ? "" : `,"redirect":${JSON.stringify(r.redirect)}`;
  return `${head}${verdict},"retval":${r.retval ?? 0},"len":${r.len ?? 0},"crc32":"${r.crc32 ?? ""}"${meta}${skb}${redirect}}`;
}

function decodeRedirect(view: DataView, at: number, ctx: RowContext): Redirect | undefined {
  const kind = view.getUint32(at + ROW_REDIRECT_KIND, true);
  if (kind === REDIRECT_IFINDEX) return { ifindex: view.getUint32(at + ROW_REDIRECT_IFINDEX, true) };
  if (kind === REDIRECT_CLONE)
    return { ifindex: view.getUint32(at + ROW_REDIRECT_IFINDEX, true), clone: true };
  if (kind !== REDIRECT_MAP && kind !== REDIRECT_BROADCAST) return undefined;
  const header = view.getUint32(at + ROW_REDIRECT_MAP, true);
  const map = ctx.mapName(header);
  if (kind === REDIRECT_BROADCAST) return { map };
  const index = view.getUint32(at + ROW_REDIRECT_INDEX, true);
  const ifindex = ctx.redirectTarget(header, index);
  return { map, index, ...(ifindex === undefined ? {} : { ifindex }) };
}
