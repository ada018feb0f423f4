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
