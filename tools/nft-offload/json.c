// SPDX-License-Identifier: GPL-2.0
/*
 * JSON documents on stdout. Long lists are written member by member.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "tool.h"

static bool first;

const char *json_str(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

json_int_t json_num(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static void dump(json_t *j, size_t flags)
{
	if (!j)
		exit(refused("cannot make JSON of this (out of memory, or a name that is no UTF-8)"));
	json_dumpf(j, stdout, flags | JSON_PRESERVE_ORDER);
	json_decref(j);
}

void json_out(json_t *j)
{
	dump(j, JSON_INDENT(2));
	putchar('\n');
}

void json_line(json_t *j)
{
	dump(j, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

void json_list_begin(const char *name)
{
	printf("{\n  \"%s\": [", name);
	first = true;
}

void json_list_item(json_t *j)
{
	fputs(first ? "\n    " : ",\n    ", stdout);
	first = false;
	dump(j, JSON_COMPACT);
}

/* End the list. Members that follow it are given as names and values, up to a NULL name. */
void json_list_end(const char *key, json_t *value, ...)
{
	va_list ap;

	fputs(first ? "]" : "\n  ]", stdout);
	va_start(ap, value);
	while (key) {
		printf(",\n  \"%s\": ", key);
		dump(value, JSON_COMPACT | JSON_ENCODE_ANY);
		key = va_arg(ap, const char *);
		value = key ? va_arg(ap, json_t *) : NULL;
	}
	va_end(ap);
	puts("\n}");
}
