// Fields of __sk_buff that the kernel keeps in fewer bytes than programs see, and what that does to an access: a store is
// cut off, and a load that is as wide as what is kept reads its beginning wherever in the field it is. Offsets are those
// of the uapi struct.
export interface HeldField {
  readonly off: number;
  /** bytes that are kept, of four */
  readonly held: 1 | 2;
  /** stores of this value, unsigned 64 bits, and of larger ones change nothing */
  readonly refusedFrom?: number;
}

const SIZE = 4;

// biome-ignore format: table
const HELD: readonly HeldField[] = [
  { off: 4,   held: 1 }, // pkt_type
  { off: 12,  held: 2, refusedFrom: 0xffff }, // queue_mapping
  { off: 16,  held: 2 }, // protocol
  { off: 24,  held: 2 }, // vlan_tci
  { off: 28,  held: 2 }, // vlan_proto
  { off: 44,  held: 2 }, // tc_index
  { off: 72,  held: 2 }, // tc_classid
  { off: 88,  held: 2 }, // family
  { off: 132, held: 2 }, // remote_port
  { off: 136, held: 2 }, // local_port
  { off: 164, held: 2 }, // gso_segs
  { off: 176, held: 2 }, // gso_size
];

function fieldAt(off: number): HeldField | undefined {
  return HELD.find((f) => off >= f.off && off < f.off + SIZE);
}

/** Where a load at this offset reads. */
export function heldLoadOff(off: number, size: number): number {
  const field = fieldAt(off);
  return field !== undefined && size < SIZE && size >= field.held ? field.off : off;
}

/** The field that a store at this offset is cut off for. */
export function heldStore(off: number): HeldField | undefined {
  return fieldAt(off);
}
