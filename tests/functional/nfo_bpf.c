// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_bpf DEVICE xdp|tcx - have a BPF program that lets everything pass see what a device
 * receives, until standard input ends. Says "ok bpf".
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
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

static int load(unsigned int type, unsigned int attach, int verdict)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (unsigned long)code,
		.insn_cnt = sizeof(code) / sizeof(*code),
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
	int tcx = argc == 3 && !strcmp(argv[2], "tcx"), prog, ifindex;
	char byte;

	if (argc != 3 || (!tcx && strcmp(argv[2], "xdp"))) {
		fprintf(stderr, "usage: nfo_bpf DEVICE xdp|tcx\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	prog = tcx ? load(BPF_PROG_TYPE_SCHED_CLS, 0, PASS_TCX) :
		     load(BPF_PROG_TYPE_XDP, ATTACH_XDP, PASS_XDP);
	if (!ifindex || prog < 0 || attach(prog, ifindex, tcx ? ATTACH_TCX : ATTACH_XDP) < 0) {
		printf("no: %s\n", strerror(errno));
		return 1;
	}
	printf("ok bpf\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;

	return 0;
}
