/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of classes share. */
#ifndef GEN_H
#define GEN_H

#include "equiv.h"

struct frame *next(struct gcase *gc);
int any_dir(struct rng *r);
/* A packet that must pass, with a payload that fits the way out. */
void sound(struct gcase *gc, struct pkt *p, int dir, struct rng *r);
void emit(struct gcase *gc, struct pkt *p, struct rng *r);
void stray_data(struct gcase *gc, int n, struct rng *r);

void g_truncated(struct gcase *gc, struct rng *r);
void g_ip_length(struct gcase *gc, struct rng *r);
void g_ihl(struct gcase *gc, struct rng *r);
void g_version(struct gcase *gc, struct rng *r);
void g_udp_length(struct gcase *gc, struct rng *r);
void g_tcp_offset(struct gcase *gc, struct rng *r);
void g_padding(struct gcase *gc, struct rng *r);
void g_link(struct gcase *gc, struct rng *r);
void g_wrong_side(struct gcase *gc, struct rng *r);
void g_icmp(struct gcase *gc, struct rng *r);
void g_damage(struct gcase *gc, struct rng *r);
void g_outer(struct gcase *gc, struct rng *r);
void g_sctp_chunks(struct gcase *gc, struct rng *r);
void g_sctp_vtag(struct gcase *gc, struct rng *r);

#endif
