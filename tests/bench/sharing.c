// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU TCG plugin: which lines of memory go from one processor to another because of
 * packets that several processors forward at the same time.
 *
 * Arguments: out=PATH (required). Marks and PATH.window are as plugin.h says.
 *
 * QEMU emulates the processors in turn, each for some milliseconds, so what they do does not
 * meet as it would on a real machine. Hence the plugin records for each processor which lines
 * each of its packets touched, and replays this at `mark stop` with packets in turn: one of
 * each processor. In the replay a line is where a protocol such as MESI would have it: whoever
 * writes it has it alone, whoever reads it has a copy. Caches have no limit in the replay.
 *
 * Which processor executes is known by the address of its own data in Linux (GS): QEMU 10 gives
 * callbacks the number of the processor for which a block was translated when processors take
 * turns.
 *
 * A packet's way is between the two places of PATH.window. What a processor does until its
 * next packet's way begins (the generator, the devices, interrupts) is replayed with the
 * packet, so that lines which this writes are known to be elsewhere, but it is not counted.
 *
 * PATH.lines has one line
 *	packets COUNT instructions COUNT open COUNT
 * and for each line of memory that was touched on a packet's way
 *	VIRTUAL PHYSICAL touched stored shared moved 0
 * where "touched" says on the way of how many packets it was touched, "stored" of how many it
 * was written, "shared" of how many it was written while another processor had it, and
 * "moved" how often it, or the right to write it, came from another processor.
 */
#include <glib.h>
#include "plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define CPUS		8
/* Packets of each processor that are replayed before what is replayed is counted. */
#define SETTLE		256

/* struct record::line, low bits */
#define STORED		1ull
#define ON_THE_WAY	2ull
#define FIRST		4ull	/* on this packet's way */
#define FLAGS		3	/* bits */

struct processor {
	bool		on_the_way;
	unsigned int	passed;		/* how often the packet came to the end of its way */
	uint64_t	windows;	/* packets that came */
	uint64_t	insns;		/* all */
	uint64_t	insns_before;	/* when the packet's way began */
	uint64_t	last;		/* virtual line that was accessed last */
	bool		last_stored;	/* ... and stored to */
	uint64_t	*record;	/* physical line << FLAGS, and flags */
	size_t		records, records_size;
	size_t		way;		/* where those of the packet's way begin */
	size_t		*packet;	/* where the records of a packet begin */
	size_t		packets, packets_size;
};

struct line {
	uint64_t	line;	/* physical address >> LINE_SHIFT, + 1; 0: free */
	uint64_t	virt;
	uint64_t	touched_at[CPUS];	/* see moment() */
	uint64_t	stored_at[CPUS];
	uint32_t	have;	/* in the replay: processors with a copy */
	uint32_t	dirty;	/* the one that has written it, or 0 */
	uint32_t	touched, stored, shared, moved;
};

static struct processor processors[CPUS];
/* The processor that executes, and where the data of each is. */
static unsigned int current;
static uint64_t data_of[CPUS];
static struct qemu_plugin_register *gs, *user_gs;
static GByteArray *value;
#include "plugin-lines.h"

static const char *file;
static qemu_plugin_id_t self;
static struct window window;
static bool recording;
static uint64_t insns_counted, left_open, counted;

/* ---- lines ---- */

/* ---- which processor ---- */

static void on_processor(qemu_plugin_id_t id, unsigned int cpu)
{
	GArray *all = qemu_plugin_get_registers();
	qemu_plugin_reg_descriptor *reg = (void *)all->data;
	unsigned int i;

	(void)id;
	(void)cpu;
	for (i = 0; i < all->len; i++) {
		if (!strcmp(reg[i].name, "gs_base"))
			gs = reg[i].handle;
		else if (!strcmp(reg[i].name, "k_gs_base"))
			user_gs = reg[i].handle;
	}
}

static uint64_t register_read(struct qemu_plugin_register *reg)
{
	uint64_t number = 0;

	g_byte_array_set_size(value, 0);
	if (qemu_plugin_read_register(reg, value) == sizeof(number))
		memcpy(&number, value->data, sizeof(number));
	return number;
}

static void processor_notice(void)
{
	uint64_t data = register_read(gs);
	unsigned int i;

	/* A program's is in the lower half of addresses, and the kernel's in the other register. */
	if (!(data >> 63))
		data = register_read(user_gs);
	if (data == data_of[current])
		return;
	for (i = 0; i < CPUS; i++) {
		if (data_of[i] && data_of[i] != data)
			continue;
		data_of[i] = data;
		current = i;
		return;
	}
	fputs("sharing: more processors than expected\n", stderr);
	exit(1);
}

/* ---- what is recorded ---- */

static void *room_for(void *array, size_t count, size_t *size, size_t element)
{
	if (count < *size)
		return array;
	*size = *size ? *size * 2 : 1 << 16;
	array = realloc(array, *size * element);
	if (!array) {
		fputs("sharing: no memory\n", stderr);
		exit(1);
	}
	return array;
}

/* A packet's way, or what comes after it: within one a line is recorded once, and once more
 * when it is stored to.
 */
static uint64_t moment(const struct processor *p)
{
	return p->packets * 2 + p->on_the_way;
}

static void on_access(unsigned int translator, qemu_plugin_meminfo_t info, uint64_t virt, void *data)
{
	unsigned int cpu = current;
	bool store = qemu_plugin_mem_is_store(info);
	struct processor *p = &processors[cpu];
	struct qemu_plugin_hwaddr *where;
	struct line *l;
	uint64_t line;
	bool first;

	(void)translator;
	(void)data;
	if (!p->packets || (virt >> LINE_SHIFT == p->last && (!store || p->last_stored)))
		return;
	where = qemu_plugin_get_hwaddr(info, virt);
	if (!where || qemu_plugin_hwaddr_is_io(where))
		return;
	p->last = virt >> LINE_SHIFT;
	p->last_stored = store;
	line = qemu_plugin_hwaddr_phys_addr(where) >> LINE_SHIFT;
	l = line_get(line, virt);
	first = l->touched_at[cpu] != moment(p);
	if (!first && (!store || l->stored_at[cpu] == moment(p)))
		return;
	l->touched_at[cpu] = moment(p);
	if (store)
		l->stored_at[cpu] = moment(p);
	p->record = room_for(p->record, p->records, &p->records_size, sizeof(*p->record));
	p->record[p->records++] = line << FLAGS | (store ? STORED : 0) |
				  (p->on_the_way ? ON_THE_WAY : 0) | (first ? FIRST : 0);
}

/* @data: instructions of the block */
static void on_exec(unsigned int translator, void *data)
{
	(void)translator;
	processor_notice();
	processors[current].insns += (uintptr_t)data;
}

/* The packet did not come to the end of its way: what was on it is not counted. */
static void way_is_none(struct processor *p)
{
	size_t i;

	if (!p->on_the_way)
		return;
	left_open++;
	for (i = p->way; i < p->records; i++)
		p->record[i] &= ~ON_THE_WAY;
	p->on_the_way = false;
}

static void on_from(unsigned int translator, void *data)
{
	struct processor *p = &processors[current];

	(void)translator;
	way_is_none(p);
	p->on_the_way = true;
	p->way = p->records;
	p->passed = 0;
	p->last = UINT64_MAX;
	p->insns_before = p->insns - (uintptr_t)data;
	if (++p->windows <= window.skip)
		return;
	p->packet = room_for(p->packet, p->packets, &p->packets_size, sizeof(*p->packet));
	p->packet[p->packets++] = p->records;
}

static void on_to(unsigned int translator, void *data)
{
	struct processor *p = &processors[current];

	(void)translator;
	if (!p->on_the_way || ++p->passed < window.passes)
		return;
	if (p->packets > SETTLE) {
		insns_counted += p->insns - (uintptr_t)data - p->insns_before;
		counted++;
	}
	p->on_the_way = false;
	p->last = UINT64_MAX;
}

/* ---- the replay ---- */

static void replay_read(struct line *l, uint32_t who, bool count)
{
	if (l->have & who)
		return;
	if (count && l->dirty)
		l->moved++;
	l->dirty = 0;
	l->have |= who;
}

static void replay_store(struct line *l, uint32_t who, bool count)
{
	if (l->have & ~who && count) {
		l->shared++;
		l->moved++;
	}
	l->have = who;
	l->dirty = who;
}

static void replay_record(uint64_t record, uint32_t who, bool settled)
{
	struct line *l = line_get(record >> FLAGS, 0);
	bool count = settled && record & ON_THE_WAY;

	if (record & STORED)
		replay_store(l, who, count);
	else
		replay_read(l, who, count);
	if (count) {
		l->touched += record & FIRST ? 1 : 0;
		l->stored += record & STORED ? 1 : 0;
	}
}

static void replay_packet(unsigned int cpu, size_t packet)
{
	const struct processor *p = &processors[cpu];
	size_t i, end;

	if (packet >= p->packets)
		return;
	end = packet + 1 < p->packets ? p->packet[packet + 1] : p->records;
	for (i = p->packet[packet]; i < end; i++)
		replay_record(p->record[i], 1u << cpu, packet >= SETTLE);
}

static void replay(void)
{
	size_t packet, most = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < CPUS; cpu++)
		way_is_none(&processors[cpu]);
	for (cpu = 0; cpu < CPUS; cpu++)
		if (processors[cpu].packets > most)
			most = processors[cpu].packets;
	for (packet = 0; packet < most; packet++)
		for (cpu = 0; cpu < CPUS; cpu++)
			replay_packet(cpu, packet);
}

/* ---- marks ---- */

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void translate_anew(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
}

static void forget(void)
{
	unsigned int cpu;

	lines_free();
	for (cpu = 0; cpu < CPUS; cpu++) {
		free(processors[cpu].record);
		free(processors[cpu].packet);
		processors[cpu] = (struct processor) { .last = UINT64_MAX };
	}
	insns_counted = left_open = counted = 0;
}

static void on_start(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	window_read(&window, file);
	forget();
	recording = true;
	/* Instructions that were translated before have no calls of ours in them. */
	qemu_plugin_reset(self, translate_anew);
}

static void on_stop(unsigned int cpu, void *data)
{
	FILE *f = open_beside(file, "lines", "w");
	uint64_t i;

	(void)cpu;
	(void)data;
	recording = false;
	replay();
	for (i = 0; i < CPUS; i++)
		if (processors[i].packets)
			fprintf(stderr, "sharing: processor %" PRIu64 ": %zu packets\n", i,
				processors[i].packets);
	fprintf(f, "packets %" PRIu64 " instructions %" PRIu64 " open %" PRIu64 "\n",
		counted, insns_counted, left_open);
	for (i = 0; i < lines_size; i++) {
		const struct line *l = &lines[i];

		if (l->line && l->touched)
			fprintf(f, "%" PRIx64 " %" PRIx64 " %u %u %u %u 0\n",
				l->virt >> LINE_SHIFT << LINE_SHIFT,
				(l->line - 1) << LINE_SHIFT, l->touched, l->stored, l->shared,
				l->moved);
	}
	fclose(f);
	forget();
	qemu_plugin_reset(self, translate_anew);
}

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const struct calls calls = { on_start, on_stop, on_from, on_to, on_access };

	(void)id;
	if (recording)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_exec, QEMU_PLUGIN_CB_R_REGS,
						     (void *)(uintptr_t)qemu_plugin_tb_n_insns(tb));
	calls_insert(tb, recording ? &window : NULL, &calls);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			file = strdup(argv[i] + 4);
	if (!file || (info->system_emulation && info->system.max_vcpus > CPUS)) {
		fprintf(stderr, "sharing: out= is missing, or there are more than %d processors\n",
			CPUS);
		return 1;
	}
	self = id;
	value = g_byte_array_new();
	forget();
	qemu_plugin_register_vcpu_init_cb(id, on_processor);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);

	return 0;
}
