// A device of the host that XDP programs are attached to and packets are fed to.
import { BpfError } from "../../src/spec/errors.ts";
import type { OnePacket } from "../cpu/run_once.ts";
import type { BpfProg, LiveProg } from "./live_prog.ts";

/** Runs a program on a frame. */
export type RunFrame = (prog: LiveProg, frame: Uint8Array, ts: bigint, ifindex: number) => OnePacket;

export class Device {
  #prog: LiveProg | undefined;
  readonly #run: RunFrame;

  constructor(
    readonly name: string,
    readonly ifindex: number,
    run: RunFrame,
  ) {
    this.#run = run;
  }

  /** Throws EBUSY where a program is attached, EINVAL where it is none for devices. */
  attach(prog: BpfProg): void {
    if (prog.verified.prog.type !== "xdp")
      throw new BpfError("EINVAL", `attach to ${this.name}: '${prog.name}' is not an XDP program`);
    if (this.#prog !== undefined)
      throw new BpfError("EBUSY", `attach to ${this.name}: '${this.#prog.name}' is attached`);
    prog.live.get();
    this.#prog = prog.live;
  }

  get attached(): boolean {
    return this.#prog !== undefined;
  }

  /** Throws ENOENT where nothing is attached. */
  detach(): void {
    const prog = this.#prog;
    if (prog === undefined) throw new BpfError("ENOENT", `detach from ${this.name}: nothing is attached`);
    this.#prog = undefined;
    prog.put();
  }

  /** A frame arrives at `ts` ns: what the attached program made of it, undefined without one. */
  receive(frame: Uint8Array, ts: bigint): OnePacket | undefined {
    return this.#prog === undefined ? undefined : this.#run(this.#prog, frame, ts, this.ifindex);
  }
}
