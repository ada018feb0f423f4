// Options of every command that reads an object for loading: the kernel it is meant for.
import type { OptionRows } from "./command.ts";

export const OBJECT_OPTIONS = {
  btf: {
    type: "string",
    value: "FILE",
    help: "the kernel's types, as /sys/kernel/btf/vmlinux; default: the running kernel's",
  },
  modules: {
    type: "string",
    value: "DIR",
    help: "types of that kernel's modules, a file each, as in /sys/kernel/btf; default: the running kernel's",
  },
  kconfig: {
    type: "string",
    value: "FILE",
    help: "the kernel's configuration, plain or gzipped; default: the running kernel's",
  },
} as const satisfies OptionRows;
