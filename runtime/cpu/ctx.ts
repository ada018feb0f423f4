// What a packet's context says besides the packet: the fields a caller may set, and what the kernel's test run
// supplies where nothing is said.
import { BpfError } from "../../src/spec/errors.ts";
import { CPU_CTX_EGRESS_IFINDEX, CPU_CTX_INGRESS_IFINDEX, CPU_CTX_RX_QUEUE_INDEX } from "../memory/layout.ts";
import type { World } from "../memory/world.ts";

export type CtxFields = Readonly<Record<string, number>>;

// biome-ignore format: table
const XDP_FIELDS: Readonly<Record<string, { off: number; value: number }>> = {
  ingress_ifindex: { off: CPU_CTX_INGRESS_IFINDEX, value: 1 },
  rx_queue_index:  { off: CPU_CTX_RX_QUEUE_INDEX,  value: 0 },
  egress_ifindex:  { off: CPU_CTX_EGRESS_IFINDEX,  value: 0 },
};

/** Sets the context of every CPU; throws on a field the context does not have. */
export function setCtx(world: World, fields: CtxFields): void {
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(XDP_FIELDS, name)) {
      throw new BpfError(
        "EINVAL",
        `the context has no field '${name}' to set; there are: ${Object.keys(XDP_FIELDS).join(", ")}`,
      );
    }
  }
  for (let i = 0; i < world.ncpus; i++) {
    const cpu = world.cpu(i);
    for (const [name, { off, value }] of Object.entries(XDP_FIELDS))
      world.view.setUint32(cpu + off, fields[name] ?? value, true);
  }
}
