/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests' programs share: addresses, sockets, time, namespaces, answers. */
#ifndef NFO_TESTS_NET_H
#define NFO_TESTS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* One line on standard output, at once: a shell waits for it. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As say(), "error WHAT NAME-OF-ERRNO". */
void say_errno(const char *what);

/* "error ..." on standard error, and the end of the program; %m is errno's text. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

long long now_ns(void);
long long now_ms(void);

/* Of either family; a host that is no address ends the program. */
struct addr addr_parse(const char *host, int port);

/* A socket that is bound to @local; TCP sends at once. Return: it, or -1 and errno. */
int socket_bound(const struct addr *local, int type, int proto);

/* As socket_bound(), connected within @ms: a dropped SYN must not hold a test for minutes. */
int socket_connected(const struct addr *local, const struct addr *remote, int type, int proto,
		     int ms);

/* Return: whether one of @events came within @ms (-1: no limit). */
bool wait_for(int fd, int events, int ms);

/* Send all of it, also by a socket that does not block. Return: 0, or -1 and errno. */
int send_all(int fd, const void *buf, size_t len, int ms);

/* Enter the network namespace that this file stands for. Return: 0, or -1 and errno. */
int netns_enter(const char *path);

/* Enter the one that `ip netns` knows by this name. Return: as netns_enter(). */
int netns_enter_name(const char *name);

/* Numbers at random from a state that is not 0. */
uint64_t xorshift(uint64_t *state);

#endif
