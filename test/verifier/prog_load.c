// Loads programs for the recorders of this folder. Each line on standard input is one program:
//   TYPE ATTACH_TYPE FLAGS ATTACH_BTF_ID LICENSE INSNS_IN_HEX
// and is answered on standard output by one line: 0 or a positive errno, a tab, and the kernel's last words. With
// the argument "r2" it says instead what the log first shows in r2. Nothing is attached. Build: cc -O1 -o prog_load prog_load.c
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_INSNS 256

static char line[MAX_INSNS * 16 + 256];
static char hex[MAX_INSNS * 16 + 2];
static char text[1 << 18];
static struct bpf_insn insns[MAX_INSNS];

static int parse(void)
{
	unsigned char *out = (unsigned char *)insns;
	int n = 0;

	for (char *p = hex; n < MAX_INSNS * 8; p += 2, n++) {
		unsigned int byte;

		if (sscanf(p, "%2x", &byte) != 1)
			break;
		out[n] = byte;
	}
	return n / 8;
}

static int load(union bpf_attr *attr)
{
	for (;;) {
		int fd = syscall(SYS_bpf, BPF_PROG_LOAD, attr, sizeof(*attr));

		if (fd >= 0 || errno != EAGAIN)
			return fd < 0 ? -errno : fd;
	}
}

/* The last line that is not the closing statistics. */
static const char *last_words(void)
{
	char *last = "", *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strncmp(l, "processed ", 10) && strncmp(l, "verification time", 17))
			last = l;
	return last;
}

/* What stands behind the first R2= or R2_w= of the log. */
static const char *first_r2(void)
{
	char *r2 = strstr(text, "R2_w="), *end;

	if (!r2)
		r2 = strstr(text, "R2=");
	if (!r2)
		return "";
	r2 = strchr(r2, '=') + 1;
	end = r2 + strcspn(r2, " \n");
	*end = 0;
	return r2;
}

int main(int argc, char **argv)
{
	int want_r2 = argc > 1 && !strcmp(argv[1], "r2");

	while (fgets(line, sizeof(line), stdin)) {
		unsigned int type, attach, flags, btf_id;
		char license[32];
		union bpf_attr attr;
		int fd;

		if (sscanf(line, "%u %u %u %u %31s %4097s", &type, &attach, &flags, &btf_id, license, hex) != 6)
			return 2;
		memset(&attr, 0, sizeof(attr));
		attr.prog_type = type;
		attr.expected_attach_type = attach;
		attr.prog_flags = flags;
		attr.attach_btf_id = btf_id;
		attr.insns = (uintptr_t)insns;
		attr.insn_cnt = parse();
		attr.license = (uintptr_t)license;
		text[0] = 0;
		fd = want_r2 ? -1 : load(&attr);
		if (fd < 0) {
			attr.log_level = want_r2 ? 2 : 1;
			attr.log_buf = (uintptr_t)text;
			attr.log_size = sizeof(text);
			fd = load(&attr);
		}
		printf("%d\t%s\n", fd < 0 ? -fd : 0, want_r2 ? first_r2() : fd < 0 ? last_words() : "");
		fflush(stdout);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
