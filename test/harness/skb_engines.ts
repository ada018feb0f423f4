// One program on one frame, in an engine of ours and in the running kernel: everything a caller of a test run sees.
import type { Engine } from "../../runtime/engine/engine.ts";
import { Bench } from "../../runtime/cpu/run_once.ts";
import { setCtx } from "../../runtime/cpu/ctx.ts";
import { runTypeOf } from "../../runtime/cpu/walk_flags.ts";
import type { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { World } from "../../runtime/memory/world.ts";
import { createLib } from "../../runtime/wasm/lib.ts";
import { encodeInsns } from "../../src/isa/encode.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { attachTypeId, progTypeId } from "../../src/spec/prog_types.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { verify } from "../../src/verifier/verify.ts";

/** Outcome as one line, so that two are compared at a glance. */
export type Outcome = string;

function outcome(
  retval: number,
  data: Uint8Array,
  mark: number,
  priority: number,
  cb: readonly number[],
): Outcome {
  const hex = Buffer.from(data).toString("hex");
  const words = [mark, priority, ...cb].map((w) => w.toString(16));
  return `${retval} ${data.length} ${words.join(",")} ${hex}`;
}

/** Room for programs in one world: tables only grow. */
const PROGS_A_WORLD = 200;

export class OurSkb {
  #world = new World(1);
  #bench: Bench | undefined;
  #loaded = 0;

  constructor(
    readonly engine: Engine,
    readonly checked: boolean,
  ) {}

  /** A fresh world now and then. */
  #room(): Bench {
    if (this.#bench === undefined || ++this.#loaded % PROGS_A_WORLD === 0) {
      this.#world = new World(1);
      createLib(this.#world.memory).world_init(1, 1n, 0);
      this.#bench = new Bench(this.#world);
    }
    return this.#bench;
  }

  async run(prog: Prog, frames: readonly Uint8Array[]): Promise<Outcome[]> {
    const bench = this.#room();
    const verified = verify(prog);
    const loaded = await this.engine.load(
      this.#world,
      verified,
      { maps: [] },
      { checked: this.checked, opt: 1, cache: false },
    );
    setCtx(this.#world, runTypeOf(verified), {});
    return frames.map((frame) => {
      try {
        const { retval, data, ctx } = bench.run(loaded, frame, 0n);
        const field = (name: string) => Number(ctx[name]);
        return outcome(retval, data, field("mark"), field("priority"), ctx["cb"] as readonly number[]);
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        return error.code;
      }
    });
  }
}

export class KernelSkb {
  readonly #out = new Uint8Array(1 << 16);

  constructor(readonly sys: BpfSys) {}

  run(prog: Prog, frames: readonly Uint8Array[]): Outcome[] {
    const fd = this.sys.progLoad({
      name: prog.name,
      type: progTypeId(prog.type),
      expectedAttachType: prog.expectedAttachType === undefined ? 0 : attachTypeId(prog.expectedAttachType),
      flags: 0,
      license: "GPL",
      insns: encodeInsns(prog.insns),
    });
    try {
      return frames.map((data) => this.#one(fd, data));
    } finally {
      this.sys.close(fd);
    }
  }

  #one(fd: number, data: Uint8Array): Outcome {
    const ctxOut = new Uint8Array(192);
    const result = this.sys.progTest(fd, { data, ctx: new Uint8Array(192), out: this.#out, ctxOut });
    if (result.errno !== 0) return result.errno === 22 ? "EINVAL" : `errno ${result.errno}`;
    const view = new DataView(ctxOut.buffer);
    const cb = [0, 1, 2, 3, 4].map((i) => view.getUint32(48 + 4 * i, true));
    return outcome(
      result.retval,
      this.#out.subarray(0, result.dataSize),
      view.getUint32(8, true),
      view.getUint32(32, true),
      cb,
    );
  }
}
