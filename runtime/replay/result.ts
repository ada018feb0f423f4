// The walker's result rows as plain objects: what became of each packet.
import type { ProgTypeName } from "../../src/spec/prog_types.ts";
import { errnoName } from "../../src/spec/errors.ts";
import {
  REDIRECT_BROADCAST,
  REDIRECT_IFINDEX,
  REDIRECT_MAP,
  ROW_CRC32,
  ROW_ERRNO,
  ROW_LEN,
  ROW_META_LEN,
  ROW_PACKET,
  ROW_REDIRECT_IFINDEX,
  ROW_REDIRECT_INDEX,
  ROW_REDIRECT_KIND,
  ROW_REDIRECT_MAP,
  ROW_RETVAL,
  ROW_TS,
  ROW_VERDICT,
} from "../memory/layout.ts";

/** Verdicts by number; a value a type does not know counts as the first. */
export const VERDICTS: Partial<Record<ProgTypeName, readonly string[]>> = {
  xdp: ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"],
};

export interface Redirect {
  readonly map?: string;
  readonly index?: number;
  readonly ifindex?: number;
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
  readonly redirect?: Redirect;
  /** the packet could not be run: the errno's name */
  readonly error?: string;
}

export interface RowContext {
  readonly verdicts: readonly string[];
  /** name and, for a device map, the target of a key; by header address */
  readonly mapName: (header: number) => string;
  readonly redirectTarget: (header: number, index: number) => number | undefined;
}

export function decodeResult(view: DataView, at: number, ctx: RowContext): PacketResult {
  const head = { i: Number(view.getBigUint64(at + ROW_PACKET, true)), ts_ns: view.getBigUint64(at + ROW_TS, true).toString() };
  const errno = view.getUint32(at + ROW_ERRNO, true);
  if (errno !== 0) return { ...head, error: errnoName(errno) ?? String(errno) };
  const metaLen = view.getUint32(at + ROW_META_LEN, true);
  const redirect = decodeRedirect(view, at, ctx);
  const verdict = ctx.verdicts[view.getUint32(at + ROW_VERDICT, true)];
  return {
    ...head,
    ...(verdict === undefined ? {} : { verdict }),
    retval: view.getUint32(at + ROW_RETVAL, true),
    len: view.getUint32(at + ROW_LEN, true),
    crc32: view.getUint32(at + ROW_CRC32, true).toString(16).padStart(8, "0"),
    ...(metaLen === 0 ? {} : { meta_len: metaLen }),
    ...(redirect === undefined ? {} : { redirect }),
  };
}

function decodeRedirect(view: DataView, at: number, ctx: RowContext): Redirect | undefined {
  const kind = view.getUint32(at + ROW_REDIRECT_KIND, true);
  if (kind === REDIRECT_IFINDEX) return { ifindex: view.getUint32(at + ROW_REDIRECT_IFINDEX, true) };
  if (kind !== REDIRECT_MAP && kind !== REDIRECT_BROADCAST) return undefined;
  const header = view.getUint32(at + ROW_REDIRECT_MAP, true);
  const map = ctx.mapName(header);
  if (kind === REDIRECT_BROADCAST) return { map };
  const index = view.getUint32(at + ROW_REDIRECT_INDEX, true);
  const ifindex = ctx.redirectTarget(header, index);
  return { map, index, ...(ifindex === undefined ? {} : { ifindex }) };
}
