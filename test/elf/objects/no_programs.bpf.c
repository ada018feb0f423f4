// SPDX-License-Identifier: Apache-2.0
// A license and a variable, no program.
#define SEC(name) __attribute__((section(name), used))

char _license[] SEC("license") = "GPL";
int alone SEC(".data") = 1;
