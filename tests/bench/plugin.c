// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU TCG plugin with a model of data caches: which lines of memory a packet touches
 * between two places of the guest's kernel, and which of them a processor would have to
 * fetch.
 *
 * Arguments: out=PATH (required), l1=KiB, l2=KiB, l3=KiB.
 *
 * The guest's program `mark` (mark.c) executes one of two instructions without effect.
 * `mark start` has the plugin read PATH.window, which the guest has written:
 *	skip COUNT		packets that fill the caches and are not counted
 *	from ADDRESS		a packet's way begins before this instruction; several may be
 *	to ADDRESS		it ends before this one
 * From then on every access of every instruction goes through the caches, and those on the
 * way of a packet are counted. `mark stop` has it write PATH.lines: one line
 *	packets COUNT instructions COUNT open COUNT
 * and for each line of memory that was touched
 *	VIRTUAL PHYSICAL packets stored l1 l2 l3
 * where "packets" says on the way of how many packets it was touched, "stored" on the way of
 * how many it was written, and the rest how many accesses missed a cache. Before `mark start`
 * the plugin costs next to nothing.
 *
 * Caches: 64-byte lines, on physical addresses, least recently used, 8, 8 and 16 ways.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define LINE_SHIFT	6
#define LEVELS		3
#define FROMS		4

struct cache {
	unsigned int	sets;
	unsigned int	ways;
	uint64_t	*tag;	/* line + 1; 0: empty */
	uint64_t	*used;
};

/* What is known of one line of memory. */
struct line {
	uint64_t	line;	/* physical address >> LINE_SHIFT, + 1; 0: free */
	uint64_t	virt;
	uint64_t	window;	/* the last packet that touched it */
	uint64_t	window_stored;
	uint32_t	packets;
	uint32_t	stored;
	uint32_t	missed[LEVELS];
};

static struct cache caches[LEVELS];
static uint64_t accesses;

static struct line *lines;
static uint64_t lines_size, lines_count;

static const char *file;
static qemu_plugin_id_t self;
static bool modelling, on_the_way, counting;
static uint64_t from[FROMS], to, skip;
static unsigned int froms;
static uint64_t windows, counted, left_open;
static uint64_t insns, insns_before, insns_counted;

static void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		fputs("lines: no memory\n", stderr);
		exit(1);
	}
	return p;
}

/* ---- the caches ---- */

static void cache_init(struct cache *c, unsigned int kib, unsigned int ways)
{
	c->ways = ways;
	c->sets = kib * 1024 / (1 << LINE_SHIFT) / ways;
	c->tag = zeroed((size_t)c->sets * ways, sizeof(*c->tag));
	c->used = zeroed((size_t)c->sets * ways, sizeof(*c->used));
}

static bool cache_hit(struct cache *c, uint64_t line)
{
	size_t set = line % c->sets * c->ways;
	uint64_t *tag = c->tag + set, *used = c->used + set;
	unsigned int i, oldest = 0;

	for (i = 0; i < c->ways; i++) {
		if (tag[i] == line + 1) {
			used[i] = ++accesses;
			return true;
		}
		if (used[i] < used[oldest])
			oldest = i;
	}
	tag[oldest] = line + 1;
	used[oldest] = ++accesses;

	return false;
}

/* ---- what is counted for each line ---- */

static struct line *line_slot(uint64_t line)
{
	uint64_t i = line * 0x9e3779b97f4a7c15ull >> 20 & (lines_size - 1);

	while (lines[i].line && lines[i].line != line + 1)
		i = (i + 1) & (lines_size - 1);
	return &lines[i];
}

static void lines_grow(void)
{
	struct line *old = lines;
	uint64_t i, size = lines_size;

	lines_size = size ? size * 2 : 1 << 16;
	lines = zeroed(lines_size, sizeof(*lines));
	for (i = 0; i < size; i++)
		if (old[i].line)
			*line_slot(old[i].line - 1) = old[i];
	free(old);
}

static struct line *line_get(uint64_t line, uint64_t virt)
{
	struct line *l;

	if (lines_count * 2 >= lines_size)
		lines_grow();
	l = line_slot(line);
	if (!l->line) {
		lines_count++;
		l->line = line + 1;
		l->virt = virt;
	}
	return l;
}

/* The line that was accessed last: once more changes nothing, unless it is the first store. */
static uint64_t last_line = UINT64_MAX;
static bool last_stored;

static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t virt, void *data)
{
	bool store = qemu_plugin_mem_is_store(info);
	struct qemu_plugin_hwaddr *where;
	unsigned int level;
	struct line *l;
	uint64_t line;

	(void)cpu;
	(void)data;
	if (virt >> LINE_SHIFT == last_line && (!store || last_stored))
		return;
	where = qemu_plugin_get_hwaddr(info, virt);
	if (!where || qemu_plugin_hwaddr_is_io(where))
		return;
	last_line = virt >> LINE_SHIFT;
	last_stored = store;
	line = qemu_plugin_hwaddr_phys_addr(where) >> LINE_SHIFT;
	for (level = 0; level < LEVELS; level++)
		if (cache_hit(&caches[level], line))
			break;
	if (!on_the_way || !counting)
		return;

	l = line_get(line, virt);
	while (level-- > 0)
		l->missed[level]++;
	if (l->window != windows) {
		l->window = windows;
		l->packets++;
	}
	if (store && l->window_stored != windows) {
		l->window_stored = windows;
		l->stored++;
	}
}

/* ---- a packet's way. @data: instructions of the block, which are counted beforehand ---- */

static void on_from(unsigned int cpu, void *data)
{
	(void)cpu;
	if (on_the_way)
		left_open++;
	windows++;
	counting = windows > skip;
	on_the_way = true;
	last_line = UINT64_MAX;
	insns_before = insns - (uintptr_t)data;
}

static void on_to(unsigned int cpu, void *data)
{
	(void)cpu;
	if (on_the_way && counting) {
		insns_counted += insns - (uintptr_t)data - insns_before;
		counted++;
	}
	on_the_way = false;
}

/* ---- marks ---- */

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void translate_anew(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
}

static void read_window(void)
{
	char path[4096], word[16], number[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s.window", file);
	f = fopen(path, "r");
	if (!f) {
		perror(path);
		exit(1);
	}
	froms = 0;
	to = skip = 0;
	while (fscanf(f, "%15s %31s", word, number) == 2) {
		uint64_t value = strtoull(number, NULL, 0);

		if (!strcmp(word, "skip"))
			skip = value;
		else if (!strcmp(word, "to"))
			to = value;
		else if (!strcmp(word, "from") && froms < FROMS)
			from[froms++] = value;
	}
	fclose(f);
}

static void on_start(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	read_window();
	free(lines);
	lines = NULL;
	lines_size = lines_count = 0;
	windows = counted = left_open = insns_counted = 0;
	on_the_way = counting = false;
	modelling = true;
	/* Instructions that were translated before have no calls of ours in them. */
	qemu_plugin_reset(self, translate_anew);
}

static void on_stop(unsigned int cpu, void *data)
{
	char path[4096];
	uint64_t i;
	FILE *f;

	(void)cpu;
	(void)data;
	modelling = false;
	snprintf(path, sizeof(path), "%s.lines", file);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	fprintf(f, "packets %" PRIu64 " instructions %" PRIu64 " open %" PRIu64 "\n",
		counted, insns_counted, left_open);
	for (i = 0; i < lines_size; i++) {
		const struct line *l = &lines[i];

		if (l->line)
			fprintf(f, "%" PRIx64 " %" PRIx64 " %u %u %u %u %u\n",
				l->virt >> LINE_SHIFT << LINE_SHIFT,
				(l->line - 1) << LINE_SHIFT, l->packets, l->stored,
				l->missed[0], l->missed[1], l->missed[2]);
	}
	fclose(f);
	qemu_plugin_reset(self, translate_anew);
}

/* See mark.c. Return: 0, or the number of the mark. */
static int mark_of(struct qemu_plugin_insn *insn)
{
	const uint8_t *b = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != 8 || b[0] != 0x0f || b[1] != 0x1f || b[2] != 0x84 ||
	    b[3] || b[5] != 0x4f || b[6] != 0x46 || b[7] != 0x4e)
		return 0;
	return b[4];
}

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	void *size = (void *)(uintptr_t)n;
	unsigned int k;

	(void)id;
	if (modelling)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &insns,
							 n);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);
		int mark = mark_of(insn);

		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark == 1 ? on_start : on_stop,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (!modelling)
			continue;
		for (k = 0; k < froms; k++)
			if (at == from[k])
				qemu_plugin_register_vcpu_insn_exec_cb(insn, on_from,
								       QEMU_PLUGIN_CB_NO_REGS,
								       size);
		if (at == to)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_to, QEMU_PLUGIN_CB_NO_REGS,
							       size);
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
	}
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	unsigned int kib[LEVELS] = { 32, 512, 4096 };
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			file = strdup(argv[i] + 4);
		else if (argv[i][0] == 'l' && argv[i][1] >= '1' && argv[i][1] <= '3' &&
			 argv[i][2] == '=')
			kib[argv[i][1] - '1'] = atoi(argv[i] + 3);
	}
	if (!file) {
		fputs("lines: out= is missing\n", stderr);
		return 1;
	}
	cache_init(&caches[0], kib[0], 8);
	cache_init(&caches[1], kib[1], 8);
	cache_init(&caches[2], kib[2], 16);
	self = id;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);

	return 0;
}
