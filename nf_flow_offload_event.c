// SPDX-License-Identifier: GPL-2.0
/*
 * The world changes: devices, neighbours and routes. Each event goes into the journal of
 * its namespace and advances the epoch; flows whose device went away end at once.
 */
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/net.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/fib_notifier.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/neighbour.h>
#include <net/netevent.h>
#include <net/netlink.h>
#include <net/nexthop.h>
#include <net/sock.h>

#include "nfo_event.h"
#include "nfo_hw.h"
#include "nfo_neigh.h"
#include "nfo_recheck.h"
#include "nfo_stack.h"
#include "nfo_unseen.h"

/* Flows in hardware have no packets that would notice the new epoch. */
static void nfo_event_add(struct nfo_net *nn, const struct nfo_change *change)
{
	nfo_change_add(nn, change);
	if (atomic_read(&nn->in_hw))
		nfo_hw_kick(nn);
}

/* Context: any. A namespace without a flow has nothing to lose. */
static void nfo_event_changed(const struct net *net, const struct nfo_change *change)
{
	struct nfo_net *nn;

	rcu_read_lock();
	nn = nfo_net_get_rcu(net);
	if (nn && nn->journal)
		nfo_event_add(nn, change);
	rcu_read_unlock();
}

/* Most devices of a machine with containers carry no flow, and none will come: neither the
 * device nor one below it is listed. Caller holds nfo_net::lock.
 */
static bool nfo_event_concerns(struct nfo_net *nn, const struct net_device *dev)
{
	struct nfo_table *t;

	if (nfo_net_uses_dev(nn, dev->ifindex))
		return true;
	list_for_each_entry(t, &nn->tables, list)
		if (nfo_lower_covers(t, dev))
			return true;

	return false;
}

/* Caller holds nfo_net::lock. Return: true when flows may use the device. */
static bool nfo_event_dev_changed_locked(struct nfo_net *nn, const struct net_device *dev)
{
	const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = dev->ifindex };

	if (!nn->journal)
		return false;
	if (!nfo_event_concerns(nn, dev)) {
		nfo_net_explain(nn);
		return false;
	}
	nfo_event_add(nn, &c);

	return true;
}

/* A bridge that filters VLANs from now on, or a VLAN device that came to one. */
static bool nfo_event_is_of_bridge(const struct net_device *dev)
{
	if (is_vlan_dev(dev))
		dev = vlan_dev_real_dev(dev);

	return netif_is_bridge_master(dev);
}

/* Sleeps, RTNL held. */
static void nfo_event_dev_changed(const struct net_device *dev)
{
	const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = dev->ifindex };
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	bool concerns = true;

	if (!nn)
		return;

	if (nfo_net_uses_dev(nn, dev->ifindex)) {
		/* The lock may be held while a driver is waited for. */
		nfo_event_add(nn, &c);
	} else {
		mutex_lock(&nn->lock);
		concerns = nfo_event_dev_changed_locked(nn, dev);
		mutex_unlock(&nn->lock);
	}
	if (concerns && nfo_event_is_of_bridge(dev))
		nfo_unseen_soon(nn);
	nfo_net_put(nn);
}

/* Tell the tables' hardware side of a device. */
static void nfo_event_hw(struct net_device *dev,
			 void (*tell)(struct nfo_table *t, struct net_device *dev))
{
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	struct nfo_table *t;

	if (!nn)
		return;

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		tell(t, dev);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

/* Flows use listed devices and those above listed ones; any other goes down unnoticed.
 * One that is unregistered may have been above a listed one before: no reference may stay.
 */
static void nfo_event_flush_dev(const struct net_device *dev, bool gone)
{
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	struct nfo_table *t;

	if (!nn)
		return;

	mutex_lock(&nn->lock);
	if (nfo_event_dev_changed_locked(nn, dev))
		list_for_each_entry(t, &nn->tables, list)
			if (atomic_read(&t->flows) && (gone || nfo_lower_covers(t, dev)))
				nfo_table_flush(t, dev, NFO_R_DEV_GONE);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

/* Sleeps, RTNL held. */
static int nfo_event_netdev(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	const struct netdev_notifier_changeupper_info *upper;

	switch (event) {
	case NETDEV_GOING_DOWN:
	case NETDEV_DOWN:
		nfo_event_flush_dev(dev, false);
		break;
	case NETDEV_UNREGISTER:
		nfo_event_flush_dev(dev, true);
		break;
	case NETDEV_FEAT_CHANGE:
		/* ethtool -K DEV hw-tc-offload on|off */
		nfo_event_hw(dev, nfo_hw_feature_changed);
		break;
	case NETDEV_CHANGEUPPER:
		upper = ptr;
		nfo_event_dev_changed(upper->upper_dev);
		nfo_event_flush_dev(dev, false);
		break;
	case NETDEV_UP:
	case NETDEV_CHANGE:
		nfo_event_hw(dev, nfo_hw_device_back);
		fallthrough;
	case NETDEV_CHANGEADDR:
	case NETDEV_CHANGEMTU:
	/* Rules know devices by their names. */
	case NETDEV_CHANGENAME:
		nfo_event_dev_changed(dev);
		break;
	}

	return NOTIFY_DONE;
}

static void nfo_event_neigh_changed(struct neighbour *n)
{
	const struct nfo_change c = { .what = NFO_CHANGE_NEIGH, .neigh = n };

	if (nfo_neigh_changed(n))
		nfo_event_changed(dev_net(n->dev), &c);
}

/* Atomic context. Besides neighbours, sysctls that say how packets are routed, or what priority
 * they get.
 */
static int nfo_event_neigh(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct nfo_change c = { .what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV4 };

	switch (event) {
	case NETEVENT_NEIGH_UPDATE:
		nfo_event_neigh_changed(ptr);
		break;
	case NETEVENT_IPV6_MPATH_HASH_UPDATE:
		c.family = NFPROTO_IPV6;
		fallthrough;
	case NETEVENT_IPV4_MPATH_HASH_UPDATE:
	case NETEVENT_IPV4_FWD_UPDATE_PRIORITY_UPDATE:
		nfo_event_changed(ptr, &c);
		break;
	}

	return NOTIFY_DONE;
}

/* Sleeps, RTNL held. IPv4 routing expires all its objects for it. */
static int nfo_event_addr(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	nfo_event_dev_changed(ifa->ifa_dev->dev);

	return NOTIFY_DONE;
}

/* ---- routes ---- */

static void nfo_event_prefix4(struct nfo_change *c, const struct fib_notifier_info *info)
{
	const struct fib_entry_notifier_info *fen;

	fen = container_of(info, struct fib_entry_notifier_info, info);
	c->what = NFO_CHANGE_PREFIX;
	c->plen = fen->dst_len;
	c->prefix.ip = htonl(fen->dst);
}

#if IS_ENABLED(CONFIG_IPV6)
static void nfo_event_prefix6(struct nfo_change *c, const struct fib_notifier_info *info)
{
	const struct fib6_entry_notifier_info *fen;

	fen = container_of(info, struct fib6_entry_notifier_info, info);
	c->what = NFO_CHANGE_PREFIX;
	c->plen = fen->rt->fib6_dst.plen;
	c->prefix.in6 = fen->rt->fib6_dst.addr;
}
#else
static void nfo_event_prefix6(struct nfo_change *c, const struct fib_notifier_info *info)
{
}
#endif

/* A route for packets of one TOS: another packet of the connection may get another route. The
 * routes that are there before listening begins count as well.
 */
static void nfo_event_tos_route(struct nfo_net *nn, unsigned long event,
				const struct fib_notifier_info *info)
{
	const struct fib_entry_notifier_info *fen;

	if (info->family != AF_INET || event == FIB_EVENT_ENTRY_DEL ||
	    event < FIB_EVENT_ENTRY_REPLACE || event > FIB_EVENT_ENTRY_ADD)
		return;
	fen = container_of(info, struct fib_entry_notifier_info, info);
	if (!nfo_fib_entry_tos(fen) || READ_ONCE(nn->tos_routes))
		return;
	WRITE_ONCE(nn->tos_routes, true);
	nfo_recheck_routing(nn);
}

/* A next hop that is not used any more: flows by another one keep theirs. */
static void nfo_event_nexthop(struct nfo_change *c, const struct fib_notifier_info *info)
{
	const struct fib_nh_notifier_info *fnh;

	fnh = container_of(info, struct fib_nh_notifier_info, info);
	if (!fnh->fib_nh->fib_nh_dev)
		return;
	c->what = NFO_CHANGE_DEV;
	c->ifindex = fnh->fib_nh->fib_nh_dev->ifindex;
}

/* Atomic context. Multicast routes are not ours. */
static int nfo_event_fib(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct nfo_net *nn = container_of(nb, struct nfo_net, fib);
	const struct fib_notifier_info *info = ptr;
	struct nfo_change c = { .what = NFO_CHANGE_FAMILY };

	nfo_event_tos_route(nn, event, info);
	/* Registration tells of the routes that are there: they are no news. */
	if (!READ_ONCE(nn->fib_on))
		return NOTIFY_DONE;
	if (info->family != AF_INET && info->family != AF_INET6)
		return NOTIFY_DONE;
	c.family = info->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	c.early = info->family == AF_INET;

	switch (event) {
	case FIB_EVENT_ENTRY_REPLACE:
	case FIB_EVENT_ENTRY_APPEND:
	case FIB_EVENT_ENTRY_ADD:
	case FIB_EVENT_ENTRY_DEL:
		if (c.family == NFPROTO_IPV4)
			nfo_event_prefix4(&c, info);
		else
			nfo_event_prefix6(&c, info);
		break;
	/* A next hop that is back, FIB_EVENT_NH_ADD, may be that of anybody. */
	case FIB_EVENT_NH_DEL:
		if (c.family == NFPROTO_IPV4)
			nfo_event_nexthop(&c, info);
		break;
	case FIB_EVENT_RULE_ADD:
	case FIB_EVENT_RULE_DEL:
		nfo_recheck_routing(nn);
		break;
	}
	nfo_event_add(nn, &c);

	return NOTIFY_DONE;
}

static struct notifier_block nfo_netdev_nb = {
	.notifier_call	= nfo_event_netdev,
	/* Before nf_tables takes the hooks away and frees their devices. */
	.priority	= 1,
};

static struct notifier_block nfo_addr_nb = {
	.notifier_call	= nfo_event_addr,
	/* Before routing acts on it. */
	.priority	= 1,
};

static struct notifier_block nfo_neigh_nb = {
	.notifier_call	= nfo_event_neigh,
};

/* ---- what rtnetlink alone tells ---- */

/*
 * No notifier tells of a device's sysctls, rp_filter and forwarding among them; of a nexthop
 * object that routes use already, when the change is made; or of what a bridge port lets in.
 * rtnetlink does (`ip monitor netconf nexthop`, `bridge monitor`). The namespace has a netlink
 * socket for that: who makes the change delivers the message, and nobody reads it. Filters and
 * qdiscs are told of in this way as well (`tc monitor`).
 */
static const int nfo_rtnl_groups[] = {
	RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_NEXTHOP, RTNLGRP_LINK,
	RTNLGRP_NEIGH, RTNLGRP_BRVLAN, RTNLGRP_TC,
};

/* What follows the header of a message. Return: it, or NULL when the message is shorter. */
static const void *nfo_rtnl_data(const struct nlmsghdr *nlh, int size)
{
	return nlmsg_len(nlh) >= size ? nlmsg_data(nlh) : NULL;
}

static void nfo_event_netconf(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct netconfmsg *msg = nfo_rtnl_data(nlh, sizeof(*msg));
	struct nfo_change c = { .what = NFO_CHANGE_DEV };
	const struct nlattr *dev;

	if (!msg)
		return;
	dev = nlmsg_find_attr(nlh, sizeof(*msg), NETCONFA_IFINDEX);
	c.family = msg->ncm_family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	c.ifindex = dev ? nla_get_s32(dev) : NETCONFA_IFINDEX_ALL;

	if (c.ifindex == NETCONFA_IFINDEX_DEFAULT)
		return;
	if (c.ifindex == NETCONFA_IFINDEX_ALL)
		c.what = NFO_CHANGE_FAMILY;
	/* Each device that comes or goes tells of its sysctls. */
	else if (!nfo_net_uses_dev(nn, c.ifindex))
		return;
	nfo_event_add(nn, &c);
}

/* What a bridge port that flows come in by lets pass, or the bridge above it: flows pass both
 * unseen.
 */
static void nfo_event_bridge(struct nfo_net *nn, int ifindex)
{
	const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = ifindex };
	const struct net_device *dev;
	bool concerns;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(nn->net, ifindex);
	concerns = dev && (nfo_net_uses_dev(nn, ifindex) || netif_is_bridge_master(dev));
	rcu_read_unlock();
	if (!concerns)
		return;
	nfo_event_add(nn, &c);
	nfo_unseen_soon(nn);
}

/* A port that does not send any more. Its note is renewed when RTNL is free, and packets that learn
 * before that would go straight to the port again.
 */
static void nfo_event_bridge_port(struct nfo_net *nn, const struct nlmsghdr *nlh, int ifindex)
{
	const struct nlattr *port, *state;
	u8 note = nfo_net_dev_note(nn, ifindex);

	port = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_PROTINFO);
	state = port ? nla_find_nested(port, IFLA_BRPORT_STATE) : NULL;
	if (note && state && nla_len(state) == sizeof(u8) &&
	    nla_get_u8(state) != BR_STATE_FORWARDING)
		nfo_net_note_dev(nn, ifindex, note | NFO_NOTE_HELD);
}

/* VLANs, the state that STP gives, a port that is locked. */
static void nfo_event_bridge_link(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *msg = nfo_rtnl_data(nlh, sizeof(*msg));

	if (!msg || nlh->nlmsg_type != RTM_NEWLINK || msg->ifi_family != AF_BRIDGE)
		return;
	nfo_event_bridge_port(nn, nlh, msg->ifi_index);
	nfo_event_bridge(nn, msg->ifi_index);
}

/* Return: a message tells of VLANs that are not forwarded. */
static bool nfo_vlan_is_held(const struct nlmsghdr *nlh)
{
	const struct nlattr *entry, *state;

	entry = nlmsg_find_attr(nlh, sizeof(struct br_vlan_msg), BRIDGE_VLANDB_ENTRY);
	state = entry ? nla_find_nested(entry, BRIDGE_VLANDB_ENTRY_STATE) : NULL;

	return state && nla_len(state) == sizeof(u8) && nla_get_u8(state) != BR_STATE_FORWARDING;
}

static void nfo_event_bridge_vlan(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct br_vlan_msg *msg = nfo_rtnl_data(nlh, sizeof(*msg));

	if (!msg)
		return;
	if (nlh->nlmsg_type == RTM_NEWVLAN && nfo_vlan_is_held(nlh))
		WRITE_ONCE(nn->vlan_states, true);
	nfo_event_bridge(nn, msg->ifindex);
}

/* A bridge has learned where a station is, or has forgotten it. Hardware has to send to another
 * port then, and a locked port lets in those stations alone that the bridge knows to be there.
 *
 * Whoever floods a network with made-up addresses has bridges learn and forget them by the
 * thousand, so the journal gets stations that flows send to, and those that were taken away.
 */
static void nfo_event_bridge_station(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct ndmsg *msg = nfo_rtnl_data(nlh, sizeof(*msg));
	struct nfo_change c = { .what = NFO_CHANGE_STATION };
	const struct nlattr *addr;
	bool taken_away;

	/* Neighbours have a notifier. */
	if (!msg || msg->ndm_family != AF_BRIDGE)
		return;
	addr = nlmsg_find_attr(nlh, sizeof(*msg), NDA_LLADDR);
	if (!addr || nla_len(addr) != ETH_ALEN)
		return;
	/* One that was not heard for a while is stale. */
	taken_away = nlh->nlmsg_type == RTM_DELNEIGH && msg->ndm_state != NUD_STALE &&
		     nfo_net_uses_dev(nn, msg->ndm_ifindex);
	if (!taken_away && !nfo_neigh_is_at(nla_data(addr)))
		return;
	ether_addr_copy(c.lladdr, nla_data(addr));
	nfo_event_add(nn, &c);
}

/* A new object has no route yet. Return: routes or groups use the object of the message. */
static bool nfo_nexthop_is_used(const struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct nlattr *id = nlmsg_find_attr(nlh, sizeof(struct nhmsg), NHA_ID);
	const struct nexthop *nh;
	bool used;

	if (!id || nla_len(id) != sizeof(u32))
		return false;
	rcu_read_lock();
	nh = nexthop_find_by_id(nn->net, nla_get_u32(id));
	used = nh && !(list_empty(&nh->fi_list) && list_empty(&nh->f6i_list) &&
		       list_empty(&nh->grp_list));
	rcu_read_unlock();

	return used;
}

/* Routes of both families use it, and nothing says which. One that goes takes its routes with it,
 * of which routing tells one by one, and leaves its groups, which are told of as changed objects.
 */
static void nfo_event_nexthop_object(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL };

	if (nlh->nlmsg_type == RTM_NEWNEXTHOP && nfo_nexthop_is_used(nn, nlh))
		nfo_event_add(nn, &all);
}

/* Filters, qdiscs and their classes. A block of filters is that of several devices, so all that
 * flows use are looked at.
 */
static void nfo_event_tc(struct nfo_net *nn)
{
	if (atomic_read(&nn->in_hw))
		nfo_unseen_soon(nn);
}

static void nfo_event_rtnl(struct nfo_net *nn, const struct sk_buff *skb)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(skb);

	switch (NETLINK_CB(skb).dst_group) {
	case RTNLGRP_IPV4_NETCONF:
	case RTNLGRP_IPV6_NETCONF:
		nfo_event_netconf(nn, nlh);
		break;
	case RTNLGRP_NEXTHOP:
		nfo_event_nexthop_object(nn, nlh);
		break;
	case RTNLGRP_LINK:
		nfo_event_bridge_link(nn, nlh);
		break;
	case RTNLGRP_BRVLAN:
		nfo_event_bridge_vlan(nn, nlh);
		break;
	case RTNLGRP_NEIGH:
		nfo_event_bridge_station(nn, nlh);
		break;
	case RTNLGRP_TC:
		nfo_event_tc(nn);
		break;
	}
}

/* Whoever has CAP_NET_ADMIN in the namespace can send to the groups and to the socket, also what
 * is shorter than its header says.
 */
static bool nfo_rtnl_is_kernels(const struct sk_buff *skb)
{
	return !NETLINK_CB(skb).portid && skb->len >= NLMSG_HDRLEN &&
	       nlmsg_ok(nlmsg_hdr(skb), skb->len);
}

static void nfo_rtnl_ready(struct sock *sk)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&sk->sk_receive_queue))) {
		if (nfo_rtnl_is_kernels(skb))
			nfo_event_rtnl(sk->sk_user_data, skb);
		consume_skb(skb);
	}
}

/* A socket that a message could not be delivered to gets no other one until its owner has been seen
 * to read an empty queue.
 */
static void nfo_rtnl_listen_again(struct socket *sock)
{
	struct msghdr msg = {};
	struct kvec none = {};

	nfo_rtnl_ready(sock->sk);
	iov_iter_kvec(&msg.msg_iter, READ, &none, 1, 0);
	sock->ops->recvmsg(sock, &msg, 0, MSG_DONTWAIT | MSG_PEEK);
}

/* What the lost messages would have told is not known. */
static void nfo_rtnl_lost_work(struct work_struct *work)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL };
	struct nfo_net *nn = container_of(work, struct nfo_net, rtnl_work);

	mutex_lock(&nn->lock);
	if (nn->rtnl)
		nfo_rtnl_listen_again(nn->rtnl);
	mutex_unlock(&nn->lock);
	nfo_event_add(nn, &all);
	nfo_unseen_soon(nn);
}

/* For want of memory a message was not made, or could not be delivered. May be called with
 * interrupts off.
 */
static void nfo_rtnl_lost(struct sock *sk)
{
	struct nfo_net *nn = sk->sk_user_data;

	queue_work(nfo_net_wq, &nn->rtnl_work);
}

/* Return: 0 or a negative errno. */
static int nfo_rtnl_join(struct socket *sock)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int i, group, err;

	/* The type of the address differs between kernels. */
	err = kernel_bind(sock, (void *)&addr, sizeof(addr));
	for (i = 0; !err && i < ARRAY_SIZE(nfo_rtnl_groups); i++) {
		group = nfo_rtnl_groups[i];
		err = sock->ops->setsockopt(sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
					    KERNEL_SOCKPTR(&group), sizeof(group));
	}

	return err;
}

/* Return: the socket, or NULL: flows then notice sysctls within half a second. */
static struct socket *nfo_rtnl_open(struct nfo_net *nn)
{
	struct socket *sock;

	if (sock_create_kern(nn->net, PF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &sock))
		return NULL;
	sock->sk->sk_user_data = nn;
	sock->sk->sk_data_ready = nfo_rtnl_ready;
	sock->sk->sk_error_report = nfo_rtnl_lost;
	if (nfo_rtnl_join(sock)) {
		sock_release(sock);
		return NULL;
	}

	return sock;
}

/* ---- listening to routes ---- */

/* Another try after a registration that failed. */
#define NFO_FIB_RETRY	HZ

/* Registration reads all routes, and fails when they change meanwhile, time and again. */
static void nfo_event_fib_listen(struct nfo_net *nn)
{
	static const struct nfo_change missed = {
		.what	= NFO_CHANGE_FAMILY,
		.family	= NFPROTO_IPV6,
	};
	int err;

	nn->fib.notifier_call = nfo_event_fib;
	err = register_fib_notifier(nn->net, &nn->fib, NULL, NULL);
	if (err) {
		pr_warn_ratelimited("nf_flow_offload: route events cannot be listened to yet (error %d): flows notice changed IPv6 routes within half a second\n",
				    err);
		queue_delayed_work(nfo_net_wq, &nn->fib_work, NFO_FIB_RETRY);
		return;
	}
	WRITE_ONCE(nn->fib_on, true);
	nfo_recheck_routing(nn);
	/* IPv4 counts its changes itself, and nfo_net_notice() knows them. */
	if (nfo_net_sernum6(nn) != nn->fib_sernum6)
		nfo_event_add(nn, &missed);
}

/* Until 6.12 registration takes RTNL. Those who hold RTNL wait for nf_tables' commit mutex and
 * for nfo_net::lock, and a flowtable comes and goes with both held: so the wish is theirs, and
 * the deed is done here, where neither is held.
 */
static void nfo_event_fib_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, fib_work);
	bool wanted = READ_ONCE(nn->fib_wanted);

	if (wanted == nn->fib_on)
		return;
	if (wanted) {
		nfo_event_fib_listen(nn);
		return;
	}
	WRITE_ONCE(nn->fib_on, false);
	unregister_fib_notifier(nn->net, &nn->fib);
}

static void nfo_event_fib_want(struct nfo_net *nn, bool wanted)
{
	if (nn->fib_over)
		return;
	WRITE_ONCE(nn->fib_wanted, wanted);
	mod_delayed_work(nfo_net_wq, &nn->fib_work, 0);
}

/**
 * nfo_event_net_init() - a namespace begins
 * @nn: namespace
 */
void nfo_event_net_init(struct nfo_net *nn)
{
	INIT_DELAYED_WORK(&nn->fib_work, nfo_event_fib_work);
	INIT_WORK(&nn->rtnl_work, nfo_rtnl_lost_work);
}

/**
 * nfo_event_net_start() - listen to a namespace's routes and to rtnetlink, when it has a flowtable
 * @nn: namespace
 *
 * The routes are listened to soon after the return. What changes before that is not missed:
 * IPv4 counts its changes, and all IPv6 flows are looked at when listening begins.
 * Context: may sleep, nfo_net::lock held.
 */
void nfo_event_net_start(struct nfo_net *nn)
{
	if (!READ_ONCE(nn->fib_on))
		nn->fib_sernum6 = nfo_net_sernum6(nn);
	nfo_event_fib_want(nn, true);
	if (!nn->rtnl)
		nn->rtnl = nfo_rtnl_open(nn);
}

/**
 * nfo_event_net_stop() - undo nfo_event_net_start()
 * @nn: namespace
 *
 * Context: may sleep, nfo_net::lock held. Events may come until nfo_event_net_exit().
 */
void nfo_event_net_stop(struct nfo_net *nn)
{
	nfo_event_fib_want(nn, false);
}

/**
 * nfo_event_net_exit() - the namespace ends: give back what nfo_event_net_start() keeps
 * @nn: namespace, withdrawn: no flowtable comes any more
 *
 * Context: may sleep, neither nfo_net::lock nor nf_tables' commit mutex nor RTNL held: the
 * netlink notifier, which hears of the socket's end, takes the second, and the work that is
 * waited for takes the third. After this no message is being delivered.
 */
void nfo_event_net_exit(struct nfo_net *nn)
{
	struct socket *rtnl;

	mutex_lock(&nn->lock);
	nn->fib_over = true;
	rtnl = nn->rtnl;
	nn->rtnl = NULL;
	mutex_unlock(&nn->lock);

	cancel_delayed_work_sync(&nn->fib_work);
	if (nn->fib_on)
		unregister_fib_notifier(nn->net, &nn->fib);
	nn->fib_on = false;

	if (rtnl)
		sock_release(rtnl);
	cancel_work_sync(&nn->rtnl_work);
}

/**
 * nfo_event_init() - listen to devices and neighbours of all namespaces
 *
 * Return: 0 or a negative errno.
 */
int __init nfo_event_init(void)
{
	int err;

	err = register_netdevice_notifier(&nfo_netdev_nb);
	if (err)
		return err;
	err = register_inetaddr_notifier(&nfo_addr_nb);
	if (err)
		goto err_netdev;
	err = register_netevent_notifier(&nfo_neigh_nb);
	if (err)
		goto err_addr;

	return 0;

err_addr:
	unregister_inetaddr_notifier(&nfo_addr_nb);
err_netdev:
	unregister_netdevice_notifier(&nfo_netdev_nb);
	return err;
}

/**
 * nfo_event_exit() - undo nfo_event_init()
 */
void nfo_event_exit(void)
{
	unregister_netevent_notifier(&nfo_neigh_nb);
	unregister_inetaddr_notifier(&nfo_addr_nb);
	unregister_netdevice_notifier(&nfo_netdev_nb);
}
