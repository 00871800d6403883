// SPDX-License-Identifier: GPL-2.0
/*
 * Binding: which of the kernel's ways into a driver this one offers.
 */
#include <linux/delay.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>
#include "hwsim.h"
#include "nfo_compat.h"

const char *const hwsim_bind_names[] = {
	[HWSIM_BIND_NONE]	= "none",
	[HWSIM_BIND_FT]		= "ft",
	[HWSIM_BIND_BLOCK]	= "block",
	[HWSIM_BIND_INDIRECT]	= "indirect",
	NULL
};

static int block_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	return hwsim_command(cb_priv, type_data);
}

static int block_setup(struct hwsim_chip *c, struct hwsim_slot *slot, struct flow_block_offload *f)
{
	return flow_block_cb_setup_simple(f, &c->direct_blocks, block_cb, slot, slot, true);
}

static bool via_of(enum tc_setup_type type, enum hwsim_via *via)
{
	switch (type) {
	case TC_SETUP_FT:
		*via = HWSIM_FT;
		return true;
	case TC_SETUP_BLOCK:
		*via = HWSIM_BLOCK;
		return true;
	default:
		return false;
	}
}

/* What was taken can be given back, whatever the chip takes by now. */
static bool takes(const struct hwsim_chip *c, enum hwsim_via via,
		  const struct flow_block_offload *f)
{
	if (f->command == FLOW_BLOCK_UNBIND)
		return true;
	if (via == HWSIM_FT)
		return c->bind == HWSIM_BIND_FT;
	return c->bind == HWSIM_BIND_BLOCK ||
	       (c->bind == HWSIM_BIND_FT && c->mode[HWSIM_M_TC]);
}

/* Drivers have been asked for HTB since 5.12, and what is below a device is told since 5.13. */
static bool is_shaper(enum tc_setup_type type)
{
#ifdef NFO_HAVE_FORWARD_PATH
	if (type == TC_SETUP_QDISC_HTB)
		return true;
#endif
	return type == TC_SETUP_QDISC_TBF;
}

/* Shapers of what leaves by a port, which the simulation does not carry out. */
static int qdisc_setup(const struct hwsim_chip *c, enum tc_setup_type type)
{
	return c->mode[HWSIM_M_QDISC] && is_shaper(type) ? 0 : -EOPNOTSUPP;
}

int hwsim_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data)
{
	struct hwsim_chip *c = &hwsim;
	int port = hwsim_port_index(c, dev);
	enum hwsim_via via;
	int err = -EOPNOTSUPP;

	if (port < 0)
		return -EOPNOTSUPP;
	if (!via_of(type, &via))
		return qdisc_setup(c, type);
	if (via == HWSIM_BLOCK)
		c->any_bind++;

	/* Flowtables of two namespaces may bind at once; nothing outside serializes them. */
	mutex_lock(&c->bind_lock);
	if (takes(c, via, data))
		err = block_setup(c, &c->port[port].slot[via], data);
	mutex_unlock(&c->bind_lock);
	return err;
}

static void indirect_release(void *cb_priv)
{
}

/* The driver goes: the core does not know of its callbacks any more, and tells their owners. */
static void indirect_cleanup(struct flow_block_cb *b)
{
	struct hwsim_chip *c = b->indr.cb_priv;

	cmpxchg(&c->hold_indirect, HWSIM_HOLD_ON, HWSIM_HOLD_WAITS);
	while (READ_ONCE(c->hold_indirect))
		usleep_range(1000, 2000);
	c->cleanup(b);
}

/* The core calls this, and a cleanup, one at a time. */
static int indirect_cb(struct net_device *dev, struct Qdisc *sch, void *cb_priv,
		       enum tc_setup_type type, void *type_data, void *data,
		       void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *f = type_data;
	struct hwsim_chip *c = cb_priv;
	struct flow_block_cb *b;
	struct hwsim_slot *slot;
	enum hwsim_via via;
	int port;

	if (!dev || READ_ONCE(c->bind) != HWSIM_BIND_INDIRECT || !via_of(type, &via))
		return -EOPNOTSUPP;
	port = hwsim_port_index(c, dev);
	if (port < 0 || f->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	slot = &c->port[port].slot[via];
	f->driver_block_list = &c->indirect_blocks;

	switch (f->command) {
	case FLOW_BLOCK_BIND:
		if (flow_block_cb_is_busy(block_cb, slot, &c->indirect_blocks))
			return -EBUSY;
		c->cleanup = cleanup;
		b = flow_indr_block_cb_alloc(block_cb, slot, slot, indirect_release, f, dev,
					     sch, data, c, indirect_cleanup);
		if (IS_ERR(b))
			return PTR_ERR(b);
		flow_block_cb_add(b, f);
		list_add_tail(&b->driver_list, &c->indirect_blocks);
		return 0;
	case FLOW_BLOCK_UNBIND:
		b = flow_block_cb_lookup(f->block, block_cb, slot);
		if (!b)
			return -ENOENT;
		flow_indr_block_cb_remove(b, f);
		list_del(&b->driver_list);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* Another driver from now on: not while anything is bound to the old one. */
int hwsim_bind_set(struct hwsim_chip *c, enum hwsim_bind bind)
{
	int err = 0;

	rtnl_lock();
	mutex_lock(&c->bind_lock);
	if (!list_empty(&c->direct_blocks) || !list_empty(&c->indirect_blocks)) {
		err = -EBUSY;
	} else {
		WRITE_ONCE(c->bind, bind);
		hwsim_set_ops(c, bind == HWSIM_BIND_INDIRECT);
	}
	mutex_unlock(&c->bind_lock);
	rtnl_unlock();
	return err;
}

/* Its driver for indirect blocks comes or goes, before or after the flowtables. */
int hwsim_indirect_set(struct hwsim_chip *c, bool on)
{
	int err = 0;

	if (on == c->indirect)
		return 0;
	if (on)
		err = flow_indr_dev_register(indirect_cb, c);
	else
		flow_indr_dev_unregister(indirect_cb, c, indirect_release);
	if (!err)
		c->indirect = on;
	return err;
}

/* How many blocks are bound. */
unsigned int hwsim_blocks(struct hwsim_chip *c)
{
	struct list_head *pos;
	unsigned int n = 0;

	mutex_lock(&c->bind_lock);
	list_for_each(pos, &c->direct_blocks)
		n++;
	list_for_each(pos, &c->indirect_blocks)
		n++;
	mutex_unlock(&c->bind_lock);
	return n;
}

int hwsim_bind_init(struct hwsim_chip *c)
{
	return hwsim_indirect_set(c, true);
}

void hwsim_bind_exit(struct hwsim_chip *c)
{
	hwsim_indirect_set(c, false);
}
