// Loads programs for scalar_record.ts: one a line in hex on standard input, each answered on standard
// output by the kernel's level-2 verifier log and a line "=== 0" or "=== -errno". Nothing is attached.
// Build: cc -O1 -o scalar_load scalar_load.c -lbpf
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_INSNS 4096

static char line[MAX_INSNS * 16 + 2];
static char text[1 << 23];
static struct bpf_insn insns[MAX_INSNS];

static int parse(void)
{
	unsigned char *out = (unsigned char *)insns;
	int n = 0;

	for (char *p = line; n < MAX_INSNS * 8; p += 2, n++) {
		unsigned int byte;

		if (sscanf(p, "%2x", &byte) != 1)
			break;
		out[n] = byte;
	}
	return n / 8;
}

int main(void)
{
	while (fgets(line, sizeof(line), stdin)) {
		LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 2, .log_buf = text,
			    .log_size = sizeof(text));
		int fd;

		text[0] = 0;
		fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "scalar", "GPL", insns, parse(), &opts);
		printf("%s=== %d\n", text, fd < 0 ? fd : 0);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
