// The names of the passes over a function's blocks, for whoever turns them on. Each is sound by itself; none changes
// what a program does, which bytes it touches or what checked mode tests.

/** loads: bytes put together become one load; stores: the reverse; keys: lookups get stack keys by value; rodata: loads from frozen maps are constants. */
export const OPT_PASSES = ["loads", "stores", "keys", "rodata"] as const;
export type OptPass = (typeof OPT_PASSES)[number];
