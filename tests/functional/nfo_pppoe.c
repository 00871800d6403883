// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_pppoe DEV SESSION MAC - one end of a PPPoE session that nobody negotiated: a
 * ppp device over DEV to the other end at MAC. Says "ok NAME", lives until it is
 * killed or its stdin ends.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/if_pppox.h>
#include <linux/ppp-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../lib/net.h"

int main(int argc, char **argv)
{
	struct sockaddr_pppox to = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OE };
	unsigned char *mac = to.sa_addr.pppoe.remote;
	struct sockaddr_storage addr = {};
	int sock, channel, device, unit = -1, index;
	char c;

	if (argc != 4 || strlen(argv[1]) >= IFNAMSIZ ||
	    sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != 6) {
		fputs("usage: nfo_pppoe DEV SESSION MAC\n", stderr);
		return 2;
	}
	memcpy(to.sa_addr.pppoe.dev, argv[1], strlen(argv[1]));
	to.sa_addr.pppoe.sid = htons(atoi(argv[2]));

	sock = socket(AF_PPPOX, SOCK_STREAM, PX_PROTO_OE);
	if (sock < 0)
		die("socket: %m");
	memcpy(&addr, &to, sizeof(to));
	if (connect(sock, (struct sockaddr *)&addr, sizeof(to)))
		die("connect: %m");
	if (ioctl(sock, PPPIOCGCHAN, &index))
		die("PPPIOCGCHAN: %m");

	channel = open("/dev/ppp", O_RDWR);
	if (channel < 0 || ioctl(channel, PPPIOCATTCHAN, &index))
		die("PPPIOCATTCHAN: %m");
	device = open("/dev/ppp", O_RDWR);
	if (device < 0 || ioctl(device, PPPIOCNEWUNIT, &unit))
		die("PPPIOCNEWUNIT: %m");
	if (ioctl(channel, PPPIOCCONNECT, &unit))
		die("PPPIOCCONNECT: %m");

	say("ok ppp%d", unit);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
