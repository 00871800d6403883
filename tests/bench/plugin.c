// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU TCG plugin with a model of data caches: which lines of memory a packet touches
 * between two places of the guest's kernel, and which of them a processor would have to
 * fetch.
 *
 * Arguments: out=PATH (required), l1=KiB, l2=KiB, l3=KiB.
 *
 * The guest's program `mark` (mark.c) executes one of two instructions without effect.
 * `mark start` has the plugin read PATH.window (plugin.h). From then on every access of every
 * instruction goes through the caches, and those on the way of a packet are counted once the
 * packets to skip have filled the caches. `mark stop` has it write PATH.lines: one line
 *	packets COUNT instructions COUNT open COUNT
 * and for each line of memory that was touched
 *	VIRTUAL PHYSICAL packets stored l1 l2 l3
 * where "packets" says on the way of how many packets it was touched, "stored" on the way of
 * how many it was written, and the rest how many accesses missed a cache. Before `mark start`
 * the plugin costs next to nothing.
 *
 * Caches: 64-byte lines, on physical addresses, least recently used, 8, 8 and 16 ways.
 */
#include "plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define LEVELS		3

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

/* One access on the way of the packet that is under way. */
struct touch {
	uint64_t	line;
	uint64_t	virt;
	unsigned int	missed;	/* so many levels */
	bool		store;
};

#include "plugin-lines.h"

static struct touch *touches;
static size_t touches_size, touches_count;
static unsigned int passed;

static const char *file;
static qemu_plugin_id_t self;
static bool modelling, on_the_way, counting;
static struct window window;
static uint64_t windows, counted, left_open;
static uint64_t insns, insns_before, insns_counted;

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

/* The line that was accessed last: once more changes nothing, unless it is the first store. */
static uint64_t last_line = UINT64_MAX;
static bool last_stored;

static void touch_add(uint64_t line, uint64_t virt, unsigned int missed, bool store)
{
	if (touches_count == touches_size) {
		touches_size = touches_size ? touches_size * 2 : 1024;
		touches = realloc(touches, touches_size * sizeof(*touches));
		if (!touches) {
			fputs("lines: no memory\n", stderr);
			exit(1);
		}
	}
	touches[touches_count++] = (struct touch) { line, virt, missed, store };
}

static void touch_count(const struct touch *t)
{
	struct line *l = line_get(t->line, t->virt);
	unsigned int level;

	for (level = 0; level < t->missed; level++)
		l->missed[level]++;
	if (l->window != windows) {
		l->window = windows;
		l->packets++;
	}
	if (t->store && l->window_stored != windows) {
		l->window_stored = windows;
		l->stored++;
	}
}

static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t virt, void *data)
{
	bool store = qemu_plugin_mem_is_store(info);
	struct qemu_plugin_hwaddr *where;
	unsigned int level;
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
	if (on_the_way && counting)
		touch_add(line, virt, level, store);
}

/* ---- a packet's way. @data: instructions of the block, which are counted beforehand ---- */

static void on_from(unsigned int cpu, void *data)
{
	(void)cpu;
	if (on_the_way)
		left_open++;
	else
		windows++;
	touches_count = 0;
	passed = 0;
	counting = windows > window.skip;
	on_the_way = true;
	last_line = UINT64_MAX;
	insns_before = insns - (uintptr_t)data;
}

static void on_to(unsigned int cpu, void *data)
{
	size_t i;

	(void)cpu;
	if (!on_the_way || ++passed < window.passes)
		return;
	on_the_way = false;
	if (!counting)
		return;
	insns_counted += insns - (uintptr_t)data - insns_before;
	counted++;
	for (i = 0; i < touches_count; i++)
		touch_count(&touches[i]);
}

/* ---- marks ---- */

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void translate_anew(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
}

static void on_start(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	window_read(&window, file);
	lines_free();
	touches_count = 0;
	windows = counted = left_open = insns_counted = 0;
	on_the_way = counting = false;
	modelling = true;
	/* Instructions that were translated before have no calls of ours in them. */
	qemu_plugin_reset(self, translate_anew);
}

static void on_stop(unsigned int cpu, void *data)
{
	FILE *f = open_beside(file, "lines", "w");
	uint64_t i;

	(void)cpu;
	(void)data;
	modelling = false;
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

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const struct calls calls = { on_start, on_stop, on_from, on_to, on_access };

	(void)id;
	if (modelling)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &insns,
							 qemu_plugin_tb_n_insns(tb));
	calls_insert(tb, modelling ? &window : NULL, &calls);
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
