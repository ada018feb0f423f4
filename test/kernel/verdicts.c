// SPDX-License-Identifier: Apache-2.0
// What the running kernel says of each program of an object, loaded alone through libbpf. Nothing is attached or pinned.
//   verdicts OBJ...: one JSON line a program: object, program, section, errno (0 = accepted), end of the log
// Build: cc -O1 -o verdicts verdicts.c -lbpf
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_BYTES (64u << 20) /* only what the kernel writes is ever touched */
#define TAIL 4096
#define SECONDS 120

/* sections that libbpf 1.1 does not know yet */
static const struct {
	const char *section;
	int type, attach;
} LATER[] = {
	{ "netfilter", 32, 45 },  { "tcx/ingress", 3, 46 }, { "tcx/egress", 3, 47 },
	{ "tc/ingress", 3, 0 },	  { "tc/egress", 3, 0 },    { "cgroup/connect_unix", 18, 48 },
	{ "netkit/primary", 3, 54 }, { "kprobe.session/bpf_fentry_test1", 2, 56 },
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static void put_json(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void set_type(struct bpf_program *prog)
{
	for (unsigned int i = 0; i < sizeof(LATER) / sizeof(LATER[0]); i++) {
		if (strcmp(bpf_program__section_name(prog), LATER[i].section))
			continue;
		bpf_program__set_type(prog, LATER[i].type);
		bpf_program__set_expected_attach_type(prog, LATER[i].attach);
	}
}

/* The program of this number; with others where it cannot be loaded alone. */
static struct bpf_program *choose(struct bpf_object *object, int number, int others)
{
	struct bpf_program *prog, *chosen = NULL;
	int i = 0;

	bpf_object__for_each_program(prog, object) {
		set_type(prog);
		bpf_program__set_autoload(prog, others || i == number);
		if (i++ == number)
			chosen = prog;
	}
	return chosen;
}

static int load(struct bpf_object *object, struct bpf_program *prog, char *log)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	log[0] = 0;
	bpf_program__set_log_buf(prog, log, LOG_BYTES);
	bpf_program__set_log_level(prog, 1);
	return bpf_object__load(object);
}

static void answer(const char *path, int number)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *prog = choose(object, number, 0);
	char *log = calloc(1, LOG_BYTES);
	int err = load(object, prog, log);
	size_t length;

	if (err == -EBADF) { /* an array of programs names others, which are not there */
		object = bpf_object__open(path);
		prog = choose(object, number, 1);
		err = load(object, prog, log);
	}
	length = strlen(log);
	printf("{\"object\":");
	put_json(path);
	printf(",\"prog\":");
	put_json(bpf_program__name(prog));
	printf(",\"sec\":");
	put_json(bpf_program__section_name(prog));
	printf(",\"errno\":%d,\"tail\":", -err);
	put_json(log + (length > TAIL ? length - TAIL : 0));
	puts("}");
}

static int answer_all(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *prog;
	int count = 0;

	if (!object) {
		fprintf(stderr, "%s: cannot be opened: %s\n", path, strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(prog, object)
		count++;
	for (int i = 0; i < count; i++) {
		int status;

		fflush(stdout);
		if (fork() == 0) {
			alarm(SECONDS);
			answer(path, i);
			fflush(stdout);
			_exit(0);
		}
		if (wait(&status) < 0 || status != 0) {
			fprintf(stderr, "%s: program %d: no answer\n", path, i);
			return 1;
		}
	}
	bpf_object__close(object);
	return 0;
}

int main(int argc, char **argv)
{
	libbpf_set_print(quiet);
	for (int i = 1; i < argc; i++)
		if (answer_all(argv[i]))
			return 1;
	return 0;
}
