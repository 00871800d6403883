// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_tun NAMESPACE DEVICE NAMESPACE DEVICE - carries packets from one tun device to the other
 * until its stdin ends. Says "ok tun".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "../lib/net.h"

static int tun_open(const char *ns, const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd;

	if (netns_enter_name(ns))
		die("%s: %m", ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (fd < 0)
		die("/dev/net/tun: %m");
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &req))
		die("%s: %m", name);
	return fd;
}

int main(int argc, char **argv)
{
	static unsigned char packet[65536];
	struct pollfd p[3] = { { .fd = 0, .events = POLLIN } };
	char c;

	if (argc != 5)
		die("usage: nfo_tun NAMESPACE DEVICE NAMESPACE DEVICE");
	for (int i = 0; i < 2; i++)
		p[1 + i] = (struct pollfd){ .fd = tun_open(argv[1 + 2 * i], argv[2 + 2 * i]),
					    .events = POLLIN };
	say("ok tun");
	for (;;) {
		if (poll(p, 3, -1) < 0)
			die("poll: %m");
		if (p[0].revents && read(0, &c, 1) <= 0)
			return 0;
		for (int i = 1; i < 3; i++) {
			ssize_t n = read(p[i].fd, packet, sizeof(packet));

			if (n > 0)
				(void)!write(p[3 - i].fd, packet, n);
			else if (n < 0 && errno != EAGAIN)
				die("read: %m");
		}
	}
}
