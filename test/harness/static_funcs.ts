// The least BTF that makes every function of a program a static one: one int, one prototype, one function.
import type { ProgLoad, BpfSys } from "../../runtime/engine/kernel/sys.ts";
import type { Prog } from "../../src/verifier/proof.ts";

const NAMES = "\0int\0f\0";
// biome-ignore format: table
const TYPES = [
  1, 1 << 24,          4, (1 << 24) | 32, // 1: int, signed, 32 bits
  0, 13 << 24,         1,                 // 2: int ()
  5, 12 << 24,         2,                 // 3: static f
];
const FUNC = 3;
const HEADER = 24;

function btfBytes(): Uint8Array {
  const out = new Uint8Array(HEADER + TYPES.length * 4 + NAMES.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x0001eb9f, true);
  [HEADER, 0, TYPES.length * 4, TYPES.length * 4, NAMES.length].forEach((v, i) => {
    view.setUint32(4 + 4 * i, v, true);
  });
  TYPES.forEach((v, i) => {
    view.setUint32(HEADER + 4 * i, v, true);
  });
  out.set(Buffer.from(NAMES, "latin1"), HEADER + TYPES.length * 4);
  return out;
}

/** Loads it; to be closed by the caller. */
export function loadStaticFuncs(sys: BpfSys): number {
  return sys.btfLoad(btfBytes());
}

export function staticFuncs(prog: Prog, btfFd: number): NonNullable<ProgLoad["funcs"]> {
  return { btfFd, info: new Uint8Array(Uint32Array.from(prog.funcs.flatMap((f) => [f.pc, FUNC])).buffer) };
}
