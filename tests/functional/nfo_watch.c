// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_watch FILE[:WORD]... - the largest number that each file held, looked at every
 * few milliseconds.
 *
 * FILE holds a number, or lines of which the one that begins with WORD does. Commands
 * come on stdin, one line of answer each goes to stdout; the first line is "ok watch".
 *
 *   max      -> ok max NUMBER...     the largest since the last such question
 *   now      -> ok now NUMBER...
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES		8
#define PERIOD_MS	5

static struct file {
	int fd;
	const char *word;
	long long now, max;
} files[FILES];
static int count;

static void look(struct file *f)
{
	char text[8192];
	const char *at = text;
	ssize_t n = pread(f->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return;
	text[n] = 0;
	if (f->word)
		at = strstr(text, f->word);
	if (!at)
		return;
	f->now = strtoll(at + strcspn(at, "0123456789"), NULL, 10);
	if (f->now > f->max)
		f->max = f->now;
}

static void answer(char *line)
{
	line[strcspn(line, "\n")] = 0;
	if (strcmp(line, "max") && strcmp(line, "now")) {
		puts("error command");
		return;
	}
	printf("ok %s", line);
	for (int i = 0; i < count; i++)
		printf(" %lld", *line == 'm' ? files[i].max : files[i].now);
	puts("");
	for (int i = 0; i < count && *line == 'm'; i++)
		files[i].max = files[i].now;
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	for (count = 0; count < argc - 1 && count < FILES; count++) {
		char *name = argv[count + 1], *word = strchr(name, ':');

		if (word)
			*word++ = 0;
		files[count].word = word;
		files[count].fd = open(name, O_RDONLY | O_CLOEXEC);
		if (files[count].fd < 0) {
			printf("error %s %s\n", name, strerror(errno));
			return 1;
		}
	}
	puts("ok watch");
	for (;;) {
		for (int i = 0; i < count; i++)
			look(&files[i]);
		if (poll(&in, 1, PERIOD_MS) < 1)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		answer(line);
	}
}
