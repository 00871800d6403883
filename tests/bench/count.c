// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU TCG plugin that counts the instructions of the whole guest: a processor that waits
 * executes none. Argument: out=PATH (required).
 *
 * Each time the guest's program `mark` (mark.c) runs, the number so far goes to PATH.marks, one
 * line for each mark.
 */
#include "plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t insns;
static FILE *marks;

static void on_mark(unsigned int cpu, void *unused)
{
	(void)cpu;
	(void)unused;
	fprintf(marks, "%" PRIu64 "\n", insns);
	fflush(marks);
}

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const struct calls calls = { .start = on_mark, .stop = on_mark };

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &insns,
						 qemu_plugin_tb_n_insns(tb));
	calls_insert(tb, NULL, &calls);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("count: out= is missing\n", stderr);
		return 1;
	}
	marks = open_beside(argv[0] + 4, "marks", "w");
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);

	return 0;
}
