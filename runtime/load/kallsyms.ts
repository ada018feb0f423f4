// The symbols of the running kernel as /proc/kallsyms lists them, without those of modules. Most objects ask for one or
// two: these are looked for in the text. For one that asks for many an index is made, which takes as long as a hundred.
import { existsSync, readFileSync } from "node:fs";

const SEARCHES = 100;

export class Kallsyms {
  private text: Buffer | undefined = undefined;
  private searches = 0;
  private index: Map<string, bigint> | undefined = undefined;

  constructor(private readonly path = "/proc/kallsyms") {}

  private read(): Buffer {
    this.text ??= existsSync(this.path) ? readFileSync(this.path) : Buffer.alloc(0);
    return this.text;
  }

  /** Nothing is known of any symbol. */
  get isEmpty(): boolean {
    return this.read().length === 0;
  }

  /** The last where there are several of this name. */
  address(name: string): bigint | undefined {
    if (this.searches < SEARCHES) {
      this.searches++;
      return this.search(name);
    }
    this.index ??= this.indexed();
    return this.index.get(name);
  }

  private search(name: string): bigint | undefined {
    const text = this.read();
    const at = text.lastIndexOf(` ${name}\n`);
    if (at < 0) return undefined;
    const line = text.toString("latin1", text.lastIndexOf("\n", at) + 1, at);
    const [, address] = /^([0-9a-f]+) \w$/.exec(line) ?? [];
    return address === undefined ? undefined : BigInt(`0x${address}`);
  }

  private indexed(): Map<string, bigint> {
    const out = new Map<string, bigint>();
    for (const [, address, name] of this.read()
      .toString("latin1")
      .matchAll(/^([0-9a-f]+) \w (\S+)$/gm))
      if (address !== undefined && name !== undefined) out.set(name, BigInt(`0x${address}`));
    return out;
  }
}
