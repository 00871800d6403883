/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device stacks: the listed device below one that routing knows.
 */
#ifndef _NFO_STACK_H
#define _NFO_STACK_H

#include "nfo_table.h"

enum nfo_reason nfo_lower_find(const struct nfo_table *t, const struct net_device *dev,
				  struct nfo_lower *stack);
bool nfo_lower_same(const struct nfo_table *t, const struct net_device *dev,
		    const struct nfo_lower *stack);

#endif /* _NFO_STACK_H */
