/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Places at which another processor may get in between. In kernels with KASAN a test
 * arms one of them, and what the other processor would do is done there and then; in
 * other kernels they are nothing.
 */
#ifndef _NFO_TEST_POINT_H
#define _NFO_TEST_POINT_H

#include <linux/kconfig.h>

struct nfo_flow;

/**
 * enum nfo_test_point - module parameter test_point
 * @NFO_TP_NONE: none is armed
 * @NFO_TP_PUBLISHED: the first direction of a flow can be found, the flow is not whole
 *	yet; the rival ends it, as a FIN of the server does
 * @NFO_TP_AGE_LIVE: ageing has found a flow alive and has not yet acted upon it; the
 *	rival ends it and closes the connection, as a RST does
 * @NFO_TP_UNLEARNED: who ends a flow has said that its directions are not known, and their
 *	entries are in the table still; the rival learns from a packet of the reply
 */
enum nfo_test_point {
	NFO_TP_NONE,
	NFO_TP_PUBLISHED,
	NFO_TP_AGE_LIVE,
	NFO_TP_UNLEARNED,
};

#if IS_ENABLED(CONFIG_KASAN)
void nfo_test_point(enum nfo_test_point point, struct nfo_flow *f);
#else
static inline void nfo_test_point(enum nfo_test_point point, struct nfo_flow *f)
{
}
#endif

#endif /* _NFO_TEST_POINT_H */
