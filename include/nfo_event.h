/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events of devices, neighbours, routes and bridges.
 */
#ifndef _NFO_EVENT_H
#define _NFO_EVENT_H

#include "nfo_net.h"

int nfo_event_init(void);
void nfo_event_exit(void);
void nfo_event_net_init(struct nfo_net *nn);
void nfo_event_net_start(struct nfo_net *nn);
void nfo_event_net_stop(struct nfo_net *nn);
void nfo_event_net_exit(struct nfo_net *nn);

#endif /* _NFO_EVENT_H */
