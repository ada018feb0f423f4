// Tunnel metadata of an sk_buff: a packet comes in without any; what a program sets, it gets back with the two addresses
// changing places, since what is sent to the remote end is received from the local one.
import * as L from "../../memory/layout";
import { copyBytes, zeroBytes } from "./bytes";
import { EINVAL, ENOENT, ENOMEM, EPROTO } from "./errno";

const F_IPV6: u64 = 1;
const F_ZERO_CSUM_TX: u64 = 2;
const F_DONT_FRAGMENT: u64 = 4;
const F_SEQ_NUMBER: u64 = 8;
const F_NO_TUNNEL_KEY: u64 = 16;
const F_FLAGS: u64 = 16;
const F_SETTABLE: u64 = F_IPV6 | F_ZERO_CSUM_TX | F_DONT_FRAGMENT | F_SEQ_NUMBER | F_NO_TUNNEL_KEY;

const ID = 0;
const REMOTE = 4;
const TOS = 20;
const TTL = 21;
const EXT = 22;
const LABEL = 24;
const LOCAL = 28;

const MODE_NONE: u32 = 0;
const MODE_IPV4: u32 = 1;
const MODE_IPV6: u32 = 2;

const TUNNEL_CSUM: u32 = 0x0001;
const TUNNEL_KEY: u32 = 0x0004;
const TUNNEL_SEQ: u32 = 0x0008;
const TUNNEL_DONT_FRAGMENT: u32 = 0x0100;
const TUNNEL_NOCACHE: u32 = 0x2000;
const TUNNEL_OPTIONS: u32 = 0xd800;
const FLOW_LABEL: u32 = 0xfffff;

/** Shorter forms of the key that older programs have. */
@inline
function isOldSize(size: u32): bool {
  return size == 8 || size == <u32>EXT || size == <u32>LABEL || size == <u32>LOCAL;
}

@inline
function modeOf(cpu: i32): u32 {
  return load<u32>(cpu, L.CPU_SKB_TUNNEL);
}

/** 0, or why this key cannot be given. */
function whyNotKey(cpu: i32, size: u32, flags: u64): i64 {
  const mode = modeOf(cpu);
  if (mode == MODE_NONE || (flags & ~(F_IPV6 | F_FLAGS)) != 0) return EINVAL;
  if ((mode == MODE_IPV6) != ((flags & F_IPV6) != 0)) return EPROTO;
  if (size == <u32>L.TUNNEL_KEY_SIZE) return 0;
  return isOldSize(size) && (size != 8 || mode == MODE_IPV4) ? 0 : EINVAL;
}

export function skb_get_tunnel_key(cpu: i32, ctx: i64, to: i64, size: i64, flags: i64): i64 {
  const why = whyNotKey(cpu, <u32>size, <u64>flags);
  if (why != 0) {
    zeroBytes(<i32>to, <i32>size);
    return why;
  }
  const ext = (<u64>flags & F_FLAGS) != 0 ? bswap<u16>(load<u16>(cpu, L.CPU_TUNNEL + L.TUNNEL_FLAGS)) : 0;
  store<u16>(cpu, ext, L.CPU_TUNNEL + EXT);
  copyBytes(<i32>to, cpu + L.CPU_TUNNEL, <i32>size);
  return 0;
}

@inline
function flagIf(on: bool, flag: u32): u32 {
  return on ? flag : 0;
}

export function skb_set_tunnel_key(cpu: i32, ctx: i64, from: i64, size: i64, flags: i64): i64 {
  const opts = <u64>flags;
  const isIp6 = (opts & F_IPV6) != 0;
  if ((opts & ~F_SETTABLE) != 0 || (<u32>size != <u32>L.TUNNEL_KEY_SIZE && !isOldSize(<u32>size))) return EINVAL;
  const key = cpu + L.CPU_TEXT_SCRATCH;
  zeroBytes(key, L.TUNNEL_KEY_SIZE);
  copyBytes(key, <i32>from, <i32>size);
  if ((!isIp6 && load<u32>(key, LABEL) != 0) || load<u16>(key, EXT) != 0) return EINVAL;
  const to = cpu + L.CPU_TUNNEL;
  zeroBytes(to, L.TUNNEL_OPTS);
  store<u32>(to, load<u32>(key, ID), ID);
  store<u16>(to, load<u16>(key, TOS), TOS); // and the TTL behind it
  if (isIp6) {
    v128.store(to, v128.load(key, LOCAL), REMOTE);
    v128.store(to, v128.load(key, REMOTE), LOCAL);
    store<u32>(to, load<u32>(key, LABEL) & FLOW_LABEL, LABEL);
  } else {
    store<u32>(to, load<u32>(key, LOCAL), REMOTE);
    store<u32>(to, load<u32>(key, REMOTE), LOCAL);
  }
  const kinds =
    TUNNEL_NOCACHE |
    flagIf((opts & F_DONT_FRAGMENT) != 0, TUNNEL_DONT_FRAGMENT) |
    flagIf((opts & F_ZERO_CSUM_TX) == 0, TUNNEL_CSUM) |
    flagIf((opts & F_SEQ_NUMBER) != 0, TUNNEL_SEQ) |
    flagIf((opts & F_NO_TUNNEL_KEY) == 0, TUNNEL_KEY);
  store<u32>(to, kinds, L.TUNNEL_FLAGS);
  store<u32>(cpu, isIp6 ? MODE_IPV6 : MODE_IPV4, L.CPU_SKB_TUNNEL);
  return 0;
}

export function skb_get_tunnel_opt(cpu: i32, ctx: i64, to: i64, size: i64): i64 {
  const len = load<u32>(cpu, L.CPU_TUNNEL + L.TUNNEL_OPTS_LEN);
  const some = modeOf(cpu) != MODE_NONE && (load<u32>(cpu, L.CPU_TUNNEL + L.TUNNEL_FLAGS) & TUNNEL_OPTIONS) != 0;
  zeroBytes(<i32>to, <i32>size);
  if (!some) return ENOENT;
  if (<u32>size < len) return ENOMEM;
  copyBytes(<i32>to, cpu + L.CPU_TUNNEL + L.TUNNEL_OPTS, len);
  return len;
}

export function skb_set_tunnel_opt(cpu: i32, ctx: i64, from: i64, size: i64): i64 {
  if (modeOf(cpu) == MODE_NONE || (<u32>size & 3) != 0) return EINVAL;
  if (<u32>size > <u32>L.TUNNEL_OPTS_MAX) return ENOMEM;
  copyBytes(cpu + L.CPU_TUNNEL + L.TUNNEL_OPTS, <i32>from, <i32>size);
  store<u32>(cpu, <u32>size, L.CPU_TUNNEL + L.TUNNEL_OPTS_LEN);
  const flags = cpu + L.CPU_TUNNEL + L.TUNNEL_FLAGS;
  if (<u32>size != 0) store<u32>(flags, load<u32>(flags) | TUNNEL_OPTIONS);
  return 0;
}
