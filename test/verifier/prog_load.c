// Loads programs for the recorders of this folder. Each line on standard input is one program:
//   TYPE ATTACH_TYPE FLAGS ATTACH_BTF_ID LICENSE INSNS_IN_HEX
// and is answered on standard output by one line: 0 or a positive errno, a tab, and the kernel's last words. With
// the argument "r2" they are what the log first shows in r2, with "call" what it shows after the last call, if the
// program is accepted. Each other argument is a map that insns name by its index:
//   NAME:TYPE:KEY_SIZE:VALUE_SIZE:MAX_ENTRIES:FLAGS:HEX, with HEX the contents of a frozen array, or nothing.
// Nothing is attached. Build: cc -O1 -o prog_load prog_load.c
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_INSNS 256
#define MAX_MAPS 64
#define MAX_VALUE 256

static char line[MAX_INSNS * 16 + 256];
static char hex[MAX_INSNS * 16 + 2];
static char text[1 << 18];
static struct bpf_insn insns[MAX_INSNS];
static int maps[MAX_MAPS];

/* Bytes written, at most max. */
static int parse(const char *p, unsigned char *out, int max)
{
	int n = 0;

	for (; n < max; p += 2, n++) {
		unsigned int byte;

		if (sscanf(p, "%2x", &byte) != 1)
			break;
		out[n] = byte;
	}
	return n;
}

static int bpf(int cmd, union bpf_attr *attr)
{
	for (;;) {
		int result = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

		if (result >= 0 || errno != EAGAIN)
			return result < 0 ? -errno : result;
	}
}

static int create(const char *arg)
{
	unsigned char value[MAX_VALUE] = {};
	unsigned int key = 0;
	union bpf_attr attr = {};
	int fd, at = 0;

	if (sscanf(arg, "%15[^:]:%u:%u:%u:%u:%u:%n", attr.map_name, &attr.map_type, &attr.key_size, &attr.value_size, &attr.max_entries,
		   &attr.map_flags, &at) != 6 || at == 0)
		return -EINVAL;
	fd = bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0 || arg[at] == 0)
		return fd;
	parse(arg + at, value, sizeof(value));
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)value;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0)
		return -EINVAL;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	return bpf(BPF_MAP_FREEZE, &attr) < 0 ? -EINVAL : fd;
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

/* What is said of r0 after the last call of a helper, on its line or on the next that shows it. */
static const char *after_call(void)
{
	char *last = NULL, *r0;

	for (char *p = text; (p = strstr(p, ") call bpf_")); p++)
		last = p;
	r0 = last ? strstr(last, " R0=") : NULL;
	if (!r0)
		return "";
	r0[strcspn(r0, "\n")] = 0;
	return r0 + 1;
}

static const char *show;

static const char *words(int fd)
{
	if (show && !strcmp(show, "r2"))
		return first_r2();
	return fd < 0 ? last_words() : show ? after_call() : "";
}

/* Once without a log: it costs, and most need none. */
static int load_logged(union bpf_attr *attr)
{
	int fd = bpf(BPF_PROG_LOAD, attr);

	text[0] = 0;
	if (fd >= 0 && !show)
		return fd;
	if (fd >= 0)
		close(fd);
	attr->log_level = fd >= 0 || (show && !strcmp(show, "r2")) ? 2 : 1;
	attr->log_buf = (uintptr_t)text;
	attr->log_size = sizeof(text);
	return bpf(BPF_PROG_LOAD, attr);
}

int main(int argc, char **argv)
{
	for (int i = 1, n = 0; i < argc; i++) {
		if (!strcmp(argv[i], "r2") || !strcmp(argv[i], "call")) {
			show = argv[i];
		} else if (n == MAX_MAPS || (maps[n++] = create(argv[i])) < 0) {
			fprintf(stderr, "map %s: %d\n", argv[i], maps[n - 1]);
			return 1;
		}
	}
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
		attr.insn_cnt = parse(hex, (unsigned char *)insns, sizeof(insns)) / 8;
		attr.fd_array = (uintptr_t)maps;
		attr.license = (uintptr_t)license;
		fd = load_logged(&attr);
		printf("%d\t%s\n", fd < 0 ? -fd : 0, words(fd));
		fflush(stdout);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
