// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_bpf DEVICE xdp|tcx|queue - have a BPF program that lets everything pass see what a device
 * receives, until standard input ends. Says "ok bpf". With queue, a tcx program says of each packet
 * that the device's queue 2 received it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* enum bpf_attach_type, which older headers end before. */
#define ATTACH_XDP	37
#define ATTACH_TCX	46

/* What the program returns: XDP_PASS, and TCX_NEXT. */
#define PASS_XDP	2
#define PASS_TCX	-1

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* The number in a packet is that of the queue plus one. */
#define QUEUE_MAPPING	3

/* @queue: the program writes QUEUE_MAPPING. */
static int load(unsigned int type, unsigned int attach, int verdict, int queue)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = QUEUE_MAPPING },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_2,
		  .off = offsetof(struct __sk_buff, queue_mapping) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	unsigned int first = queue ? 0 : 2;
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (unsigned long)&code[first],
		.insn_cnt = sizeof(code) / sizeof(*code) - first,
		.license = (unsigned long)"GPL",
		.expected_attach_type = attach,
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(int prog, int ifindex, unsigned int type)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = prog,
			.target_ifindex = ifindex,
			.attach_type = type,
		},
	};

	return bpf(BPF_LINK_CREATE, &attr);
}

int main(int argc, char **argv)
{
	const char *kind = argc == 3 ? argv[2] : "";
	int queue = !strcmp(kind, "queue"), xdp = !strcmp(kind, "xdp"), prog, ifindex;
	char byte;

	if (!queue && !xdp && strcmp(kind, "tcx")) {
		fprintf(stderr, "usage: nfo_bpf DEVICE xdp|tcx|queue\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	prog = xdp ? load(BPF_PROG_TYPE_XDP, ATTACH_XDP, PASS_XDP, 0) :
		     load(BPF_PROG_TYPE_SCHED_CLS, 0, PASS_TCX, queue);
	if (!ifindex || prog < 0 || attach(prog, ifindex, xdp ? ATTACH_XDP : ATTACH_TCX) < 0) {
		printf("no: %s\n", strerror(errno));
		return 1;
	}
	printf("ok bpf\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;

	return 0;
}
