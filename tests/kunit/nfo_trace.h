/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit: in place of include/nfo_trace.h, for the tracepoints are the module's, which may be
 * loaded as well.
 */
#ifndef _NFO_KUNIT_TRACE_H
#define _NFO_KUNIT_TRACE_H

#include <net/netfilter/nf_conntrack.h>

static inline void trace_nfo_hw_request(bool add, const struct nf_conn *ct,
					enum ip_conntrack_dir dir, const char *table,
					const char *dev)
{
}

static inline void trace_nfo_hw_result(bool add, const struct nf_conn *ct,
				       enum ip_conntrack_dir dir, const char *dev, int err,
				       const char *message)
{
}

static inline bool trace_nfo_refuse_enabled(void)
{
	return false;
}

static inline void trace_nfo_refuse(const struct nf_conn *ct, const char *reason)
{
}

#endif /* _NFO_KUNIT_TRACE_H */
