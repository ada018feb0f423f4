// Registers and stack slots, by frame, whose origin is being looked for. One search at a time: the sets are used again.
import { MAX_FRAMES, SlotSet } from "../state/state.ts";

export class Wanted {
  /** the frame that the insn at hand runs in */
  frame = 0;
  private readonly regs = new Int32Array(MAX_FRAMES);
  private readonly slots = Array.from({ length: MAX_FRAMES }, () => new SlotSet());

  /** Nothing is wanted in frames 0 to `frame`. */
  restart(frame: number): this {
    this.frame = -1;
    while (this.frame < frame) this.enter(0);
    return this;
  }

  /** Into the next frame, of which these registers are wanted. */
  enter(regs: number): void {
    this.frame++;
    this.regs[this.frame] = regs;
    this.slotsOf(this.frame).set(0, 0);
  }

  get isEmpty(): boolean {
    for (let f = this.frame; f >= 0; f--) if (this.regs[f] !== 0 || !this.slotsOf(f).isEmpty) return false;
    return true;
  }

  get mask(): number {
    return this.regsOf(this.frame);
  }

  regsOf(frame: number): number {
    return this.regs[frame] as number;
  }

  setRegs(frame: number, mask: number): void {
    this.regs[frame] = mask;
  }

  slotsOf(frame: number): SlotSet {
    return this.slots[frame] as SlotSet;
  }

  has(regno: number): boolean {
    return (this.mask & (1 << regno)) !== 0;
  }

  add(regno: number): void {
    this.addIn(this.frame, regno);
  }

  addIn(frame: number, regno: number): void {
    this.regs[frame] = this.regsOf(frame) | (1 << regno);
  }

  drop(regno: number): void {
    this.dropIn(this.frame, regno);
  }

  dropIn(frame: number, regno: number): void {
    this.regs[frame] = this.regsOf(frame) & ~(1 << regno);
  }
}
