// A program of the conformance suite as an XDP program: r1 is the memory's address, r2 its length, r0 the answer.
// Verified and compiled like any other; only the prologue is ours.
import { assemble } from "../isa/asm.ts";
import { encodeInsns } from "../isa/encode.ts";
import { type LoadOptions, loadObject } from "../../runtime/load/object.ts";
import { openInsns } from "../../runtime/load/insns.ts";

const prologue = (len: number): string =>
  len === 0
    ? "r1 = 0\nr2 = 0"
    : `
    r0 = -1
    r2 = *(u32 *)(r1 +4)
    r1 = *(u32 *)(r1 +0)
    r3 = r1
    r3 += ${len}
    if r3 <= r2 goto +1
    exit
    r2 = ${len}
    r3 = 0`;

/** r0, unsigned. Throws VerifierError where the verifier refuses the program. */
export async function runVector(body: Uint8Array, memory: Uint8Array, options: LoadOptions): Promise<bigint> {
  const head = encodeInsns(assemble(prologue(memory.length)));
  const code = new Uint8Array(head.length + body.length);
  code.set(head);
  code.set(body, head.length);
  using object = await loadObject(openInsns(code), { ...options, cache: false });
  return object.callPacket("prog", memory);
}
