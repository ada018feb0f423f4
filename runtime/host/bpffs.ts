// The host's BPF file system: names that keep maps and programs alive after every handle is closed. In this
// process only; maps shared between processes are named segments (see load options).
import { BpfError } from "../../src/spec/errors.ts";
import { MapHandle } from "./live_map.ts";
import { BpfProg, type LiveProg } from "./live_prog.ts";
import type { LiveMap } from "./live_map.ts";

type Pinned =
  | { readonly kind: "map"; readonly map: LiveMap }
  | { readonly kind: "prog"; readonly prog: LiveProg };

export class Bpffs {
  readonly #pins = new Map<string, Pinned>();

  /** Throws EEXIST where the name is taken, EINVAL where it is no path. */
  pin(path: string, handle: MapHandle | BpfProg): void {
    if (!path.startsWith("/") || path.endsWith("/"))
      throw new BpfError("EINVAL", `pin ${path}: not a path such as /sys/fs/bpf/name`);
    if (this.#pins.has(path)) throw new BpfError("EEXIST", `pin ${path}: the name is taken`);
    if (handle instanceof MapHandle) {
      handle.live.getUser();
      this.#pins.set(path, { kind: "map", map: handle.live });
    } else {
      handle.live.get();
      this.#pins.set(path, { kind: "prog", prog: handle.live });
    }
  }

  /** Throws ENOENT where there is no such pin. */
  unpin(path: string): void {
    const pinned = this.#find(path);
    this.#pins.delete(path);
    if (pinned.kind === "map") pinned.map.putUser();
    else pinned.prog.put();
  }

  /** A new handle of the map pinned here. */
  openMap(path: string): MapHandle {
    const pinned = this.#find(path);
    if (pinned.kind !== "map") throw new BpfError("EINVAL", `${path} is a program, not a map`);
    return pinned.map.open();
  }

  /** A new handle of the program pinned here. */
  openProg(path: string): BpfProg {
    const pinned = this.#find(path);
    if (pinned.kind !== "prog") throw new BpfError("EINVAL", `${path} is a map, not a program`);
    return new BpfProg(pinned.prog);
  }

  has(path: string): boolean {
    return this.#pins.has(path);
  }

  get paths(): readonly string[] {
    return [...this.#pins.keys()];
  }

  #find(path: string): Pinned {
    const pinned = this.#pins.get(path);
    if (pinned === undefined) throw new BpfError("ENOENT", `${path}: nothing is pinned here`);
    return pinned;
  }
}
