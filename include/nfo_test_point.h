/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test points: places in the code at which another processor may interfere. In kernels with KASAN
 * a test arms one of them, and the code that comes to it does by itself what the other processor
 * would do. In other kernels a test point is empty.
 */
#ifndef _NFO_TEST_POINT_H
#define _NFO_TEST_POINT_H

#include <linux/kconfig.h>

struct nfo_flow;

/**
 * enum nfo_test_point - module parameter test_point
 * @NFO_TP_NONE: no point is armed
 * @NFO_TP_PUBLISHED: packets find the first direction of a flow, and nfo_flow_teach() has not
 *	finished; the rival retires the flow, as after a FIN of the server
 * @NFO_TP_AGE_LIVE: ageing has found a flow alive and has not yet acted upon that; the
 *	rival retires the flow and closes the connection, as after a RST
 * @NFO_TP_UNLEARNED: a caller that retires a flow has cleared NFO_F_LEARNED of its directions, and
 *	their entries are still in the hash table; the rival teaches the reply direction
 * @NFO_TP_JUDGED: conntrack has let a segment pass on the classic path because it has a flow, and
 *	the flow has not noted its numbers; the rival retires the flow
 */
enum nfo_test_point {
	NFO_TP_NONE,
	NFO_TP_PUBLISHED,
	NFO_TP_AGE_LIVE,
	NFO_TP_UNLEARNED,
	NFO_TP_JUDGED,
};

#if IS_ENABLED(CONFIG_KASAN)
void nfo_test_point(enum nfo_test_point point, struct nfo_flow *f);
#else
static inline void nfo_test_point(enum nfo_test_point point, struct nfo_flow *f)
{
}
#endif

#endif /* _NFO_TEST_POINT_H */
