// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_pppoe DEV SESSION MAC - one end of a PPPoE session that nobody negotiated: a
 * ppp device over DEV to the other end at MAC.
 * nfo_pppoe l2tp LOCAL REMOTE - the same over L2TP between two addresses of IPv4.
 *
 * Says "ok NAME", lives until it is killed or its stdin ends.
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

#define L2TP_PORT	1701

static void pppox_connect(int sock, const void *to, size_t len)
{
	struct sockaddr_storage addr = {};

	memcpy(&addr, to, len);
	if (connect(sock, (struct sockaddr *)&addr, len))
		die("connect: %m");
}

static int pppox_socket(int type, int proto)
{
	int sock = socket(AF_PPPOX, type, proto);

	if (sock < 0)
		die("socket: %m");

	return sock;
}

static int pppoe(const char *dev, const char *session, const char *peer)
{
	struct sockaddr_pppox to = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OE };
	unsigned char *mac = to.sa_addr.pppoe.remote;
	int sock = pppox_socket(SOCK_STREAM, PX_PROTO_OE);

	if (strlen(dev) >= IFNAMSIZ || sscanf(peer, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1,
					      mac + 2, mac + 3, mac + 4, mac + 5) != 6)
		die("no device and address: %s %s", dev, peer);
	memcpy(to.sa_addr.pppoe.dev, dev, strlen(dev));
	to.sa_addr.pppoe.sid = htons(atoi(session));
	pppox_connect(sock, &to, sizeof(to));

	return sock;
}

/* A tunnel is a socket of its own, which comes before that of its session. */
static int pppol2tp(const char *local, const char *remote)
{
	struct addr own = addr_parse(local, L2TP_PORT), peer = addr_parse(remote, L2TP_PORT);
	struct sockaddr_pppol2tp to = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OL2TP };
	int udp = socket_connected(&own, &peer, SOCK_DGRAM, 0, 1000);
	int sock;

	if (udp < 0)
		die("udp: %m");
	to.pppol2tp.fd = udp;
	memcpy(&to.pppol2tp.addr, &peer.ss, sizeof(to.pppol2tp.addr));
	to.pppol2tp.s_tunnel = 1;
	to.pppol2tp.d_tunnel = 1;
	pppox_connect(pppox_socket(SOCK_DGRAM, PX_PROTO_OL2TP), &to, sizeof(to));
	sock = pppox_socket(SOCK_DGRAM, PX_PROTO_OL2TP);
	to.pppol2tp.s_session = 1;
	to.pppol2tp.d_session = 1;
	pppox_connect(sock, &to, sizeof(to));

	return sock;
}

/* Return: the number of the ppp device. */
static int unit_above(int sock)
{
	int channel, device, unit = -1, index;

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

	return unit;
}

int main(int argc, char **argv)
{
	int sock;
	char c;

	if (argc != 4) {
		fputs("usage: nfo_pppoe DEV SESSION MAC | l2tp LOCAL REMOTE\n", stderr);
		return 2;
	}
	sock = strcmp(argv[1], "l2tp") ? pppoe(argv[1], argv[2], argv[3]) :
					 pppol2tp(argv[2], argv[3]);
	say("ok ppp%d", unit_above(sock));
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
