// The public API. What is not exported here may change at any time.
export { OpenObject, openObject } from "./load/open.ts";
export { BpfObject, type LoadOptions, type LoadedProg, type RunPacketOptions, loadObject } from "./load/object.ts";
export { type ProgVerdict, verifyEach } from "./load/verdict.ts";
export { type RunOptions, type RunResult, runProg } from "./run.ts";
export { type OnePacket } from "./cpu/run_once.ts";
export { type PacketResult, type Redirect } from "./replay/result.ts";
export { type EventRecord, Events } from "./events/events.ts";
export { BPF_ANY, BPF_EXIST, BPF_NOEXIST, BpfMap, type MapValue } from "./map/bpf_map.ts";
export { TypedMap } from "./map/typed_map.ts";
export { fillMaps, mapToJson, mapsToJson } from "./json/maps.ts";
export { World } from "./memory/world.ts";
export { type EngineName } from "./engine/engine.ts";
export { VerifierError } from "../src/verifier/error.ts";
export { BpfError, type ErrnoName } from "../src/spec/errors.ts";
export { CaptureReader, CaptureWriter, type PacketSource, openCaptures } from "../src/pcap/index.ts";
export type { MapSpec, ObjectSpec, ProgSpec, VariableSpec } from "../src/elf/object_spec.ts";
