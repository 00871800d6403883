/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two plugins for QEMU have in common: the marks of the guest's program `mark`
 * (mark.c), and the file PATH.window that the guest writes before `mark start`:
 *	skip COUNT		packets that are not counted
 *	from ADDRESS		a packet's way begins before this instruction; several may be
 *	to ADDRESS		it ends before this one
 *	passes COUNT		... when it comes there so often, once by default
 * A way that has not ended when the next one begins is none: the packet was dropped.
 */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <qemu-plugin.h>

#define LINE_SHIFT	6
#define FROMS		4

struct window {
	uint64_t	from[FROMS];
	unsigned int	froms;
	uint64_t	to;
	uint64_t	skip;
	unsigned int	passes;
};

static inline void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		fputs("plugin: no memory\n", stderr);
		exit(1);
	}
	return p;
}

static inline FILE *open_beside(const char *file, const char *suffix, const char *mode)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s.%s", file, suffix);
	f = fopen(path, mode);
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static inline void window_read(struct window *w, const char *file)
{
	FILE *f = open_beside(file, "window", "r");
	char word[16], number[32];

	*w = (struct window) { .passes = 1 };
	while (fscanf(f, "%15s %31s", word, number) == 2) {
		uint64_t value = strtoull(number, NULL, 0);

		if (!strcmp(word, "skip"))
			w->skip = value;
		else if (!strcmp(word, "to"))
			w->to = value;
		else if (!strcmp(word, "passes"))
			w->passes = value;
		else if (!strcmp(word, "from") && w->froms < FROMS)
			w->from[w->froms++] = value;
	}
	fclose(f);
}

static inline bool window_begins(const struct window *w, uint64_t at)
{
	unsigned int i;

	for (i = 0; i < w->froms; i++)
		if (at == w->from[i])
			return true;
	return false;
}

/* See mark.c. Return: 0, or the number of the mark: 1 is start, 2 is stop. */
static inline int mark_of(struct qemu_plugin_insn *insn)
{
#if QEMU_PLUGIN_VERSION >= 3
	uint8_t b[8] = {};

	qemu_plugin_insn_data(insn, b, sizeof(b));
#else
	const uint8_t *b = qemu_plugin_insn_data(insn);
#endif

	if (qemu_plugin_insn_size(insn) != 8 || b[0] != 0x0f || b[1] != 0x1f || b[2] != 0x84 ||
	    b[3] || b[5] != 0x4f || b[6] != 0x46 || b[7] != 0x4e)
		return 0;
	return b[4];
}

/* What a plugin has called; @from and @to with the instructions of their block. */
struct calls {
	qemu_plugin_vcpu_udata_cb_t	start, stop;	/* at the marks */
	qemu_plugin_vcpu_udata_cb_t	from, to;	/* where a packet's way begins and ends */
	qemu_plugin_vcpu_mem_cb_t	access;
};

/* @w: NULL while nothing but the marks matters. */
static inline void calls_insert(struct qemu_plugin_tb *tb, const struct window *w,
				const struct calls *c)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	void *size = (void *)(uintptr_t)n;

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);
		int mark = mark_of(insn);

		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark == 1 ? c->start : c->stop,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (!w)
			continue;
		if (window_begins(w, at))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, c->from,
							       QEMU_PLUGIN_CB_NO_REGS, size);
		if (at == w->to)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, c->to, QEMU_PLUGIN_CB_NO_REGS,
							       size);
		qemu_plugin_register_vcpu_mem_cb(insn, c->access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
	}
}

#endif /* PLUGIN_H */
