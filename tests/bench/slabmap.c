// SPDX-License-Identifier: GPL-2.0
/*
 * slabmap - print what the pages of this kernel's memory are for, one line a run of pages:
 *
 *	FIRST-PAGE PAGES SIZE NAME
 *
 * The numbers are hexadecimal, page numbers physical. NAME is a slab cache, with the SIZE of
 * its objects, or "pages" for other memory that was allocated as several pages at once. Works
 * by /proc/kcore; where things are in the kernel's structures says its BTF.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SHIFT	12
#define TAIL		1ul	/* in the second word of a page that is not the first of several */

static void *allocate(size_t size)
{
	void *p = malloc(size);

	if (!p)
		err(1, "memory");
	return p;
}

/* ---- BTF ---- */

static char *btf;
static const char *btf_strings;
static const struct btf_type **btf_types;
static unsigned int btf_count;

static size_t btf_extra(const struct btf_type *t)
{
	unsigned int n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return n * 8;
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return n * 12;
	default:
		return 0;
	}
}

static void btf_read(void)
{
	const char *path = "/sys/kernel/btf/vmlinux", *at, *end;
	int fd = open(path, O_RDONLY);
	const struct btf_header *h;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", path);
	btf = allocate(st.st_size);
	for (off_t got = 0; got < st.st_size;) {
		ssize_t n = read(fd, btf + got, st.st_size - got);

		if (n <= 0)
			err(1, "%s", path);
		got += n;
	}
	close(fd);
	h = (const void *)btf;
	if (h->magic != BTF_MAGIC)
		errx(1, "%s is no BTF", path);
	btf_strings = btf + h->hdr_len + h->str_off;
	at = btf + h->hdr_len + h->type_off;
	end = at + h->type_len;
	btf_types = allocate((h->type_len / sizeof(struct btf_type) + 1) * sizeof(*btf_types));
	btf_types[btf_count++] = NULL;
	while (at < end) {
		const struct btf_type *t = (const void *)at;

		btf_types[btf_count++] = t;
		at += sizeof(*t) + btf_extra(t);
	}
}

static const struct btf_type *btf_struct(const char *name)
{
	for (unsigned int i = 1; i < btf_count; i++)
		if (BTF_INFO_KIND(btf_types[i]->info) == BTF_KIND_STRUCT &&
		    !strcmp(btf_strings + btf_types[i]->name_off, name))
			return btf_types[i];
	errx(1, "this kernel's BTF has no struct %s", name);
}

/* In bytes, or -1; members of members without a name count. */
static long btf_offset_in(const struct btf_type *t, const char *member)
{
	const struct btf_member *m = (const void *)(t + 1);

	for (unsigned int i = 0; i < BTF_INFO_VLEN(t->info); i++) {
		unsigned int bits = BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m[i].offset) :
							      m[i].offset;
		const struct btf_type *inner = btf_types[m[i].type];
		unsigned int kind = inner ? BTF_INFO_KIND(inner->info) : BTF_KIND_UNKN;
		long below;

		if (!strcmp(btf_strings + m[i].name_off, member))
			return bits / 8;
		if (m[i].name_off || (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION))
			continue;
		below = btf_offset_in(inner, member);
		if (below >= 0)
			return bits / 8 + below;
	}
	return -1;
}

static long btf_offset(const char *name, const char *member)
{
	long offset = btf_offset_in(btf_struct(name), member);

	if (offset < 0)
		errx(1, "this kernel's struct %s has no %s", name, member);
	return offset;
}

static int btf_enum(const char *name)
{
	for (unsigned int i = 1; i < btf_count; i++) {
		const struct btf_enum *e = (const void *)(btf_types[i] + 1);

		if (BTF_INFO_KIND(btf_types[i]->info) != BTF_KIND_ENUM)
			continue;
		for (unsigned int k = 0; k < BTF_INFO_VLEN(btf_types[i]->info); k++)
			if (!strcmp(btf_strings + e[k].name_off, name))
				return e[k].val;
	}
	errx(1, "this kernel's BTF has no %s", name);
}

/* ---- /proc/kcore ---- */

static int kcore;
static Elf64_Phdr *parts;
static unsigned int parts_count;

static void kcore_open(void)
{
	Elf64_Ehdr h;

	kcore = open("/proc/kcore", O_RDONLY);
	if (kcore < 0 || pread(kcore, &h, sizeof(h), 0) != sizeof(h))
		err(1, "/proc/kcore");
	parts_count = h.e_phnum;
	parts = allocate(parts_count * sizeof(*parts));
	if (pread(kcore, parts, parts_count * sizeof(*parts), h.e_phoff) !=
	    (ssize_t)(parts_count * sizeof(*parts)))
		err(1, "/proc/kcore");
}

static bool kcore_read(uint64_t addr, void *to, size_t size)
{
	for (unsigned int i = 0; i < parts_count; i++) {
		const Elf64_Phdr *p = &parts[i];

		if (p->p_type == PT_LOAD && addr >= p->p_vaddr &&
		    addr + size <= p->p_vaddr + p->p_memsz)
			return pread(kcore, to, size, p->p_offset + (addr - p->p_vaddr)) ==
			       (ssize_t)size;
	}
	return false;
}

static uint64_t kernel_variable(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], symbol[128];
	uint64_t addr, value;

	if (!f)
		err(1, "/proc/kallsyms");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %*c %127s", &addr, symbol) != 2 ||
		    strcmp(symbol, name))
			continue;
		fclose(f);
		if (!kcore_read(addr, &value, sizeof(value)))
			errx(1, "%s cannot be read", name);
		return value;
	}
	errx(1, "this kernel has no %s", name);
}

/* ---- slab caches ---- */

struct cache {
	uint64_t	addr;
	uint32_t	size;
	char		name[64];
};

static struct cache caches[1024];
static unsigned int caches_count;
static long cache_name, cache_size;

static const struct cache *cache_get(uint64_t addr)
{
	struct cache *c;
	uint64_t name;

	for (unsigned int i = 0; i < caches_count; i++)
		if (caches[i].addr == addr)
			return &caches[i];
	if (caches_count == sizeof(caches) / sizeof(caches[0]))
		errx(1, "too many slab caches");
	c = &caches[caches_count++];
	c->addr = addr;
	if (!kcore_read(addr + cache_name, &name, sizeof(name)) ||
	    !kcore_read(addr + cache_size, &c->size, sizeof(c->size)) ||
	    !kcore_read(name, c->name, sizeof(c->name) - 1))
		strcpy(c->name, "?");
	return c;
}

/* ---- pages ---- */

static size_t page_size_of;	/* of struct page */
static uint64_t vmemmap;
static long slab_cache;
static int slab_bit;

static uint64_t word(const char *page, size_t offset)
{
	uint64_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static bool is_tail(const char *page) { return word(page, 8) & TAIL; }

static void print_runs(uint64_t first, uint64_t count)
{
	char *pages = allocate(count * page_size_of);
	uint64_t i, n;

	/* Parts of the memory map that no memory is behind cannot be read. */
	if (!kcore_read(vmemmap + first * page_size_of, pages, count * page_size_of)) {
		free(pages);
		return;
	}
	for (i = 0; i < count; i += n) {
		const char *page = pages + i * page_size_of;

		for (n = 1; i + n < count && is_tail(page + n * page_size_of); n++)
			;
		if (word(page, 0) >> slab_bit & 1) {
			const struct cache *c = cache_get(word(page, slab_cache));

			printf("%" PRIx64 " %" PRIx64 " %x %s\n", first + i, n, c->size, c->name);
		} else if (n > 1) {
			printf("%" PRIx64 " %" PRIx64 " 0 pages\n", first + i, n);
		}
	}
	free(pages);
}

int main(void)
{
	uint64_t direct;

	btf_read();
	kcore_open();
	page_size_of = btf_struct("page")->size;
	slab_cache = btf_offset("slab", "slab_cache");
	slab_bit = btf_enum("PG_slab");
	cache_name = btf_offset("kmem_cache", "name");
	cache_size = btf_offset("kmem_cache", "size");
	vmemmap = kernel_variable("vmemmap_base");
	direct = kernel_variable("page_offset_base");
	for (unsigned int i = 0; i < parts_count; i++)
		if (parts[i].p_type == PT_LOAD && parts[i].p_vaddr >= direct &&
		    parts[i].p_vaddr < direct + (1ull << 46))
			print_runs((parts[i].p_vaddr - direct) >> PAGE_SHIFT,
				   parts[i].p_memsz >> PAGE_SHIFT);
	return 0;
}
