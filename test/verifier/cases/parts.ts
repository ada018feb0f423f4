// What the small programs of this folder are made of.

export interface Case {
  readonly name: string;
  readonly asm: string;
  /** undefined: accepted; errno name and the refusal's first line */
  readonly msg?: readonly [code: string, reason: string];
}

export const PKT: string = `
r2 = *(u32 *)(r1 +0)
r3 = *(u32 *)(r1 +4)
`;
export const LOOKUP = (map: string): string => `
*(u32 *)(r10 -8) = 0
r2 = r10
r2 += -8
r1 = map[${map}]
call bpf_map_lookup_elem
`;
export const OUT: string = `
r0 = 2
exit
`;

/** Name, insns and, if it is refused, errno and words; "; " ends a line, " / " the program: functions come behind. */
export type Trick = readonly [name: string, insns: string, code?: string, words?: string];

/** Programs that begin and end alike. */
export function tricks(head: string, tail: string, rows: readonly Trick[]): readonly Case[] {
  const lines = (text: string): string => text.replaceAll("; ", "\n");
  return rows.map(([name, insns, code, words]) => {
    const [main = "", behind = ""] = insns.split(" / ");
    const asm = lines(`${head}${main}\n${tail}${behind}`);
    return code === undefined ? { name, asm } : { name, asm, msg: [code, words ?? ""] };
  });
}

/** r6 = the 64 bytes of a value, r7 and r8 = the first two words in it, r9 = the context. */
const BOX =
  "r9 = r1; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[box]; call bpf_map_lookup_elem; if r0 == 0 goto out; " +
  "r6 = r0; r7 = *(u64 *)(r6 +0); r8 = *(u64 *)(r6 +8)\n";
/** A byte of the value at r7. */
const AT_R7 = "r6 += r7; r0 = *(u8 *)(r6 +0)\nout: r0 = 2; exit\n";

export const inBox = (rows: readonly Trick[]): readonly Case[] => tricks(BOX, AT_R7, rows);
