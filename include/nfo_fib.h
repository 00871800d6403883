/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events of routing: what of it changes.
 */
#ifndef _NFO_FIB_H
#define _NFO_FIB_H

#include "nfo_net.h"

struct fib_notifier_info;

bool nfo_fib_change(struct nfo_change *c, unsigned long event,
		    const struct fib_notifier_info *info);

#endif /* _NFO_FIB_H */
