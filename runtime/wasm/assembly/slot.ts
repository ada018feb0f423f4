// PROG_ARRAY, DEVMAP, CPUMAP: arrays of slots that are empty or hold a small value. Programs only look through them (tail
// call, redirect_map); the host writes. A slot's value is written before its `present` word is set and read after.
import * as L from "../../memory/layout";
import { BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT } from "./errno";
import { copyBytes } from "./bytes";

@inline
function slot(map: i32, index: u32): i32 {
  if (index >= load<u32>(map, L.MAP_MAX_ENTRIES)) return 0;
  return map + load<i32>(map, L.MAP_ELEMS_OFF) + index * load<i32>(map, L.MAP_ELEM_STRIDE);
}

/** Address of the value, or 0. */
export function slotLookup(map: i32, index: u32): i32 {
  const at = slot(map, index);
  return at == 0 || atomic.load<i32>(at, L.SLOT_PRESENT) == 0 ? 0 : at + L.SLOT_VALUE;
}

/** A device with ifindex 0 empties the slot, as in the kernel. */
export function slotUpdate(map: i32, index: u32, value: i32, flags: i64): i64 {
  if (<u64>flags > <u64>BPF_EXIST) return EINVAL;
  const at = slot(map, index);
  if (at == 0) return E2BIG;
  if (flags == BPF_NOEXIST) return EEXIST;
  copyBytes(at + L.SLOT_VALUE, value, load<i32>(map, L.MAP_VALUE_SIZE));
  atomic.store<i32>(at, i32(load<u32>(value) != 0), L.SLOT_PRESENT);
  return 0;
}

export function slotDelete(map: i32, index: u32): i64 {
  const at = slot(map, index);
  if (at == 0) return EINVAL;
  atomic.store<i32>(at, 0, L.SLOT_PRESENT);
  return 0;
}

/** ARRAY_OF_MAPS: the inner map's header, or 0. The word is one address, changed by one store. */
export function innerLookup(map: i32, index: u32): i32 {
  const at = slot(map, index);
  return at == 0 ? 0 : atomic.load<i32>(at);
}

/** For the host: the word's address, or 0 for an empty slot. */
export function innerSlot(map: i32, index: u32): i32 {
  const at = slot(map, index);
  return at == 0 || atomic.load<i32>(at) == 0 ? 0 : at;
}

export function innerUpdate(map: i32, index: u32, value: i32, flags: i64): i64 {
  if (flags != 0) return EINVAL;
  const at = slot(map, index);
  if (at == 0) return E2BIG;
  atomic.store<i32>(at, load<i32>(value));
  return 0;
}

export function innerDelete(map: i32, index: u32): i64 {
  const at = slot(map, index);
  if (at == 0) return E2BIG;
  return atomic.xchg<i32>(at, 0) == 0 ? ENOENT : 0;
}

/** Address of the table index + 1, or 0. */
export function progLookup(map: i32, index: u32): i32 {
  const at = slot(map, index);
  return at == 0 || atomic.load<i32>(at) == 0 ? 0 : at;
}

export function progUpdate(map: i32, index: u32, value: i32, flags: i64): i64 {
  if (flags != 0) return EINVAL;
  const at = slot(map, index);
  if (at == 0) return E2BIG;
  atomic.store<i32>(at, load<i32>(value)); // pairs with the load of the tail call
  return 0;
}

export function progDelete(map: i32, index: u32): i64 {
  const at = slot(map, index);
  if (at == 0) return E2BIG;
  return atomic.xchg<i32>(at, 0) == 0 ? ENOENT : 0;
}
