// SPDX-License-Identifier: GPL-2.0
/*
 * mark start|stop - tell the cache model (plugin.c) in the QEMU around us where a
 * measurement begins and ends: an instruction without effect, with an operand that no
 * compiler writes.
 */
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "start"))
		__asm__ volatile(".byte 0x0f,0x1f,0x84,0x00,0x01,0x4f,0x46,0x4e");
	else if (argc == 2 && !strcmp(argv[1], "stop"))
		__asm__ volatile(".byte 0x0f,0x1f,0x84,0x00,0x02,0x4f,0x46,0x4e");
	else
		return 2;
	return 0;
}
