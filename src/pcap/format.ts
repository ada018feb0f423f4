// What a capture format must do for the reader: take complete records off the front of a buffer.
// Formats never allocate by a length read from the file, and never read past `end`.
import type { RowSink } from "./rows.ts";

/** No packet is longer (libpcap's MAXIMUM_SNAPLEN); a greater length is a corrupt file. */
export const MAX_CAPLEN = 256 * 1024;

/** The window of the file that is in memory, and what the parser has to say about it. */
export interface Window {
  /** over the same memory as `view`, from the same first byte */
  view: DataView;
  /** next byte to parse; left at the first byte of a record that is not complete */
  pos: number;
  end: number;
  /** bytes after `pos` that are to be passed over unseen; set only with pos at end */
  skip: number;
  /** size of the record at `pos` when it is not complete: for the message */
  need: number;
  /** one line, when the record at `pos` cannot be what it says */
  corrupt: string | undefined;
}

export interface Format {
  readonly kind: "pcap" | "pcapng";
  /** of the first interface */
  readonly linkType: number;
  /** timestamps are finer than microseconds */
  readonly nanoseconds: boolean;
  /** Takes records until the window or the table of rows has no more room, or one is corrupt. */
  parse(win: Window, out: RowSink): void;
}
