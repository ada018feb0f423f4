// Helpers that are one name for programs but several functions, by what a packet is to the program.
import type { FrameKind } from "./run_types.ts";

type Impls = Partial<Record<FrameKind, string>>;

// biome-ignore format: table
const IMPLS: Readonly<Record<string, Impls>> = {
  redirect:       { skb: "skb_redirect" },
  check_mtu:      { skb: "skb_check_mtu" },
  skb_load_bytes: { flow: "flow_load_bytes" },
};

/** What the library calls the helper of this name, for programs on such frames. */
export function helperImpl(name: string, frames: FrameKind): string {
  return IMPLS[name]?.[frames] ?? name;
}
