// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .kzalloc_obj.|makes pointer from integer
#include <linux/slab.h>

struct nfo_probe_obj {
	int i;
};

struct nfo_probe_obj *nfo_probe_kzalloc_obj(void);
struct nfo_probe_obj *nfo_probe_kzalloc_obj(void)
{
	struct nfo_probe_obj *p = kzalloc_obj(*p);

	return p;
}
