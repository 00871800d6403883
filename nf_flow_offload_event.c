// SPDX-License-Identifier: GPL-2.0
/*
 * Events of devices, addresses, neighbours, routes and bridges. Each event goes into the journal of
 * its namespace and advances the epoch; flows whose device went away end soon after.
 */
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/net.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/fib_notifier.h>
#include <net/neighbour.h>
#include <net/netevent.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "nfo_event.h"
#include "nfo_fib.h"
#include "nfo_hw.h"
#include "nfo_neigh.h"
#include "nfo_recheck.h"
#include "nfo_stack.h"
#include "nfo_unseen.h"

/* Write a change into the journal. Flows in hardware have no packets that would notice the new
 * epoch, so the hardware workers are told.
 */
static void nfo_event_add(struct nfo_net *nn, const struct nfo_change *change)
{
	nfo_change_add(nn, change);
	if (atomic_read(&nn->in_hw))
		nfo_hw_kick(nn);
}

/* Write a change into the journal of a namespace, if the namespace has one. Context: any. */
static void nfo_event_changed(const struct net *net, const struct nfo_change *change)
{
	struct nfo_net *nn;

	rcu_read_lock();
	nn = nfo_net_get_rcu(net);
	if (nn && nn->journal)
		nfo_event_add(nn, change);
	rcu_read_unlock();
}

/* May flows use a device? On a machine with containers most devices carry no flow and never will,
 * because neither the device nor one below it is listed. Caller holds nfo_net::lock.
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

/* Write the change of a device. Caller holds nfo_net::lock. Return: true when flows may use the
 * device.
 */
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

/* Return: true for a bridge, which may have begun to filter VLANs, and for a VLAN device above a
 * bridge.
 */
static bool nfo_event_is_of_bridge(const struct net_device *dev)
{
	if (is_vlan_dev(dev))
		dev = vlan_dev_real_dev(dev);

	return netif_is_bridge_master(dev);
}

/* A device changed. Context: may sleep, RTNL held. Return: true when flows may use the device. */
static bool nfo_event_dev_changed(const struct net_device *dev)
{
	const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = dev->ifindex };
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));
	bool concerns = true;

	if (!nn)
		return false;
	if (nfo_net_uses_dev(nn, dev->ifindex)) {
		/* Without nfo_net::lock, because its holder may be waiting for a driver. */
		nfo_event_add(nn, &c);
	} else {
		mutex_lock(&nn->lock);
		concerns = nfo_event_dev_changed_locked(nn, dev);
		mutex_unlock(&nn->lock);
	}
	if (concerns && nfo_event_is_of_bridge(dev))
		nfo_unseen_soon(nn);
	nfo_net_put(nn);

	return concerns;
}

/* Tell each table about a device. Context: may sleep, RTNL held. */
static void nfo_event_tables(struct net_device *dev,
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

/* A device is down or unregistered (@gone). From now on its flows are stale, so no packet is
 * forwarded by them, and a work item ends them. Of an unregistered device no flow may keep a
 * reference: the work item looks for flows each time that it is announced. Context: may sleep, RTNL
 * held.
 */
static void nfo_event_dev_lost(const struct net_device *dev, bool gone)
{
	bool again = gone && dev->reg_state == NETREG_UNREGISTERED;
	struct nfo_net *nn = nfo_net_tryget(dev_net(dev));

	if (!nn)
		return;
	if (nfo_event_dev_changed(dev) || again)
		nfo_table_lost(nn, gone);
	if (gone)
		nfo_net_forget_dev(nn, dev->ifindex);
	nfo_net_put(nn);
}

/* Retire the flows of a device that gets or loses a master. Context: may sleep. */
static void nfo_event_flush(struct nfo_table *t, struct net_device *dev)
{
	if (nfo_lower_covers(t, dev))
		nfo_table_flush(t, dev, NFO_R_DEV_GONE);
}

/* A device gets or loses an upper device. A master decides from now on, or does not any more, what
 * becomes of the frames. Containers, sessions and customers have VLAN and macvlan devices of their
 * own, and come and go all day: they are no reason to end flows. Nor does a bridge with another
 * port concern flows by its other ports. Context: may sleep, RTNL held.
 */
static void nfo_event_upper(struct net_device *dev,
			    const struct netdev_notifier_changeupper_info *info)
{
	if (!info->master) {
		if (nfo_upper_takes(dev, info->upper_dev))
			nfo_event_dev_changed(dev);
		if (nfo_event_is_of_bridge(info->upper_dev))
			nfo_event_dev_changed(info->upper_dev);
		return;
	}
	if (!nfo_event_dev_changed(dev))
		return;
	nfo_event_tables(dev, nfo_event_flush);
	nfo_event_dev_changed(info->upper_dev);
}

/* Nexthop objects of a device that goes down leave their groups without a word, and the groups'
 * others share the hash values anew. Routing acts on the event after this call. Caller holds RTNL.
 */
static void nfo_event_nexthops_leave(const struct net_device *dev)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL, .early = true };

	if (nfo_nexthop_uses_dev(dev))
		nfo_event_changed(dev_net(dev), &all);
}

/* Context: may sleep, RTNL held. */
static int nfo_event_netdev(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	switch (event) {
	case NETDEV_DOWN:
		nfo_event_nexthops_leave(dev);
		nfo_event_dev_lost(dev, false);
		break;
	case NETDEV_UNREGISTER:
		nfo_event_nexthops_leave(dev);
		nfo_event_dev_lost(dev, true);
		nfo_hw_dev_gone(dev);
		break;
	case NETDEV_FEAT_CHANGE:
		/* ethtool -K DEV hw-tc-offload on|off */
		nfo_event_tables(dev, nfo_hw_feature_changed);
		break;
	case NETDEV_CHANGEUPPER:
		nfo_event_upper(dev, ptr);
		break;
	case NETDEV_UP:
	case NETDEV_CHANGE:
		nfo_event_tables(dev, nfo_hw_device_back);
		if (!netif_carrier_ok(dev))
			nfo_event_nexthops_leave(dev);
		fallthrough;
	case NETDEV_CHANGEADDR:
	case NETDEV_CHANGEMTU:
	/* Rules match devices by their names. */
	case NETDEV_CHANGENAME:
		nfo_event_dev_changed(dev);
		break;
	}

	return NOTIFY_DONE;
}

/* When the link of a device goes or returns, IPv6 routing passes by the device's routes, or uses
 * them again, if ignore_routes_with_linkdown says so. It tells nobody, and acts on the event before
 * this call. Context: may sleep, RTNL held.
 */
static int nfo_event_link6(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	const struct inet6_dev *idev = __in6_dev_get(dev);
	struct nfo_net *nn;

	if ((event != NETDEV_UP && event != NETDEV_CHANGE) || !idev ||
	    !READ_ONCE(idev->cnf.ignore_routes_with_linkdown))
		return NOTIFY_DONE;
	rcu_read_lock();
	nn = nfo_net_get_rcu(dev_net(dev));
	if (nn && nn->journal)
		nfo_fib_link6(nn, dev, nfo_event_add);
	rcu_read_unlock();

	return NOTIFY_DONE;
}

static void nfo_event_neigh_changed(struct neighbour *n)
{
	const struct nfo_change c = { .what = NFO_CHANGE_NEIGH, .neigh = n };

	if (nfo_neigh_changed(n))
		nfo_event_changed(dev_net(n->dev), &c);
}

/* A neighbour changed, or a sysctl that decides which of several routes packets take or whether
 * forwarding sets their priority. Context: atomic.
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

/* IPv4 routing expires all its route objects for an IPv4 address. Context: may sleep, RTNL held. */
static int nfo_event_addr(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	nfo_event_dev_changed(ifa->ifa_dev->dev);

	return NOTIFY_DONE;
}

/* ---- routes ---- */

/* A unicast route, a rule or a nexthop changed. Context: atomic. */
static int nfo_event_fib(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct nfo_net *nn = container_of(nb, struct nfo_net, fib);
	const struct fib_notifier_info *info = ptr;
	struct nfo_change c;

	nfo_recheck_route(nn, event, info);
	nfo_fib_note_route(nn, event, info);
	/* During registration the notifier is called for all routes that exist: no news. */
	if (!READ_ONCE(nn->fib_on) || !nfo_fib_change(&c, event, info))
		return NOTIFY_DONE;
	if (event == FIB_EVENT_RULE_ADD || event == FIB_EVENT_RULE_DEL)
		nfo_recheck_routing(nn);
	nfo_event_add(nn, &c);

	return NOTIFY_DONE;
}

static struct notifier_block nfo_netdev_nb = {
	.notifier_call	= nfo_event_netdev,
	/* Before nf_tables takes the device out of its flowtables. */
	.priority	= 1,
};

static struct notifier_block nfo_link6_nb = {
	.notifier_call	= nfo_event_link6,
	/* After IPv6 routing. */
	.priority	= ADDRCONF_NOTIFY_PRIORITY - 1,
};

static struct notifier_block nfo_addr_nb = {
	.notifier_call	= nfo_event_addr,
	/* Before IPv4 routing acts on the event. */
	.priority	= 1,
};

static struct notifier_block nfo_neigh_nb = {
	.notifier_call	= nfo_event_neigh,
};

/* ---- what rtnetlink alone announces ---- */

/*
 * rtnetlink announces some changes for which there is no notifier: sysctls of devices such as
 * rp_filter and forwarding, a nexthop object that routes use already, what a bridge port lets in
 * (`ip monitor netconf nexthop`, `bridge monitor`), and tc filters and qdiscs (`tc monitor`). So
 * the namespace has a netlink socket. nfo_rtnl_ready() handles each message in the context of the
 * change itself, so no task has to read the socket.
 */
static const int nfo_rtnl_groups[] = {
	RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_NEXTHOP, RTNLGRP_LINK,
	RTNLGRP_NEIGH, RTNLGRP_BRVLAN, RTNLGRP_TC,
};

/* Return: the @size bytes that follow the header of a message; NULL when the message is shorter. */
static const void *nfo_rtnl_data(const struct nlmsghdr *nlh, int size)
{
	return nlmsg_len(nlh) >= size ? nlmsg_data(nlh) : NULL;
}

/* A sysctl of a device, or of all devices, changed. */
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
	/* Those of each device that comes or goes are announced, so other devices are left. */
	else if (!nfo_net_uses_dev(nn, c.ifindex))
		return;
	nfo_event_add(nn, &c);
}

/* A bridge, or a port of one, has changed what it lets pass. The fast path passes by both, so flows
 * that use them have to learn again.
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

/* Note at once that a port does not send any more. nfo_unseen_renew() needs RTNL for that, and
 * packets that learn before it ran would be sent straight to the port again.
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

/* The VLANs of a port changed, its STP state, or whether it is locked. */
static void nfo_event_bridge_link(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *msg = nfo_rtnl_data(nlh, sizeof(*msg));

	if (!msg || nlh->nlmsg_type != RTM_NEWLINK || msg->ifi_family != AF_BRIDGE)
		return;
	nfo_event_bridge_port(nn, nlh, msg->ifi_index);
	nfo_event_bridge(nn, msg->ifi_index);
}

/* Return: true when a message announces VLANs that a port does not forward. */
static bool nfo_vlan_is_held(const struct nlmsghdr *nlh)
{
	const struct nlattr *entry, *state;

	entry = nlmsg_find_attr(nlh, sizeof(struct br_vlan_msg), BRIDGE_VLANDB_ENTRY);
	state = entry ? nla_find_nested(entry, BRIDGE_VLANDB_ENTRY_STATE) : NULL;

	return state && nla_len(state) == sizeof(u8) && nla_get_u8(state) != BR_STATE_FORWARDING;
}

/* A VLAN of a bridge or of a port changed. */
static void nfo_event_bridge_vlan(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct br_vlan_msg *msg = nfo_rtnl_data(nlh, sizeof(*msg));

	if (!msg)
		return;
	if (nlh->nlmsg_type == RTM_NEWVLAN && nfo_vlan_is_held(nlh))
		WRITE_ONCE(nn->vlan_states, true);
	nfo_event_bridge(nn, msg->ifindex);
}

/* A bridge has learned at which port a station is, or has forgotten it. Then hardware may have to
 * send to another port, and a locked port does not let in a station that was forgotten.
 *
 * A host that floods the network with made-up addresses has bridges learn and forget thousands of
 * stations. So the journal gets only stations that flows send to, and stations that somebody
 * removed from a port that flows use.
 */
static void nfo_event_bridge_station(struct nfo_net *nn, const struct nlmsghdr *nlh)
{
	const struct ndmsg *msg = nfo_rtnl_data(nlh, sizeof(*msg));
	struct nfo_change c = { .what = NFO_CHANGE_STATION };
	const struct nlattr *addr;
	bool taken_away;

	/* nfo_event_neigh() hears of the neighbours of other families. */
	if (!msg || msg->ndm_family != AF_BRIDGE)
		return;
	addr = nlmsg_find_attr(nlh, sizeof(*msg), NDA_LLADDR);
	if (!addr || nla_len(addr) != ETH_ALEN)
		return;
	/* A bridge that forgets a station by itself, after a time of silence, calls it stale. */
	taken_away = nlh->nlmsg_type == RTM_DELNEIGH && msg->ndm_state != NUD_STALE &&
		     nfo_net_uses_dev(nn, msg->ndm_ifindex);
	if (!taken_away && !nfo_neigh_is_at(nla_data(addr)))
		return;
	ether_addr_copy(c.lladdr, nla_data(addr));
	nfo_event_add(nn, &c);
}

/* A tc filter, a qdisc or a class changed. Several devices may share a block of filters, so all
 * devices that flows use are looked at.
 */
static void nfo_event_tc(struct nfo_net *nn)
{
	if (atomic_read(&nn->flows))
		nfo_unseen_soon(nn);
}

/* Context: any; the caller may be atomic. */
static void nfo_event_rtnl(struct nfo_net *nn, const struct sk_buff *skb)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(skb);

	switch (NETLINK_CB(skb).dst_group) {
	case RTNLGRP_IPV4_NETCONF:
	case RTNLGRP_IPV6_NETCONF:
		nfo_event_netconf(nn, nlh);
		break;
	case RTNLGRP_NEXTHOP:
		nfo_fib_nexthop_object(nn, nlh, nfo_event_add);
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

/* Any program with CAP_NET_ADMIN in the namespace can send to the groups and to the socket, even a
 * message that is shorter than its header says. Return: true for a whole message of the kernel.
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

/* When netlink could not deliver a message to a socket, it delivers no other until somebody has
 * read the socket's empty queue. So read it. Context: may sleep.
 */
static void nfo_rtnl_listen_again(struct socket *sock)
{
	struct msghdr msg = {};
	struct kvec none = {};

	nfo_rtnl_ready(sock->sk);
	iov_iter_kvec(&msg.msg_iter, READ, &none, 1, 0);
	sock->ops->recvmsg(sock, &msg, 0, MSG_DONTWAIT | MSG_PEEK);
}

/* Messages were lost, so everything may have changed. */
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

/* There was no memory to make a message or to deliver it. Context: any, interrupts may be off. */
static void nfo_rtnl_lost(struct sock *sk)
{
	struct nfo_net *nn = sk->sk_user_data;

	queue_work(nfo_net_wq, &nn->rtnl_work);
}

/* Join the groups. Context: may sleep. Return: 0 or a negative errno. */
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

/* Open the socket. Context: may sleep. Return: the socket, or NULL; without a socket flows notice
 * changed sysctls within half a second.
 */
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

/* When a registration that failed is tried again, in jiffies. */
#define NFO_FIB_RETRY	HZ

/* Register the notifier of routes. The kernel reads all routes meanwhile, and fails when routes
 * change each time that it tries to.
 */
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
	/* nfo_net_notice() notices missed changes of IPv4 routes, because IPv4 counts them. */
	if (nfo_net_sernum6(nn) != nn->fib_sernum6)
		nfo_event_add(nn, &missed);
}

/* Up to 6.12 the registration of a notifier takes RTNL. A flowtable comes and goes with nf_tables'
 * commit mutex and nfo_net::lock held, and holders of RTNL wait for both. So nfo_event_net_start()
 * and nfo_event_net_stop() only note what is wanted, and this work item does it with neither held.
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

/* Note whether route events are wanted. Caller holds nfo_net::lock. */
static void nfo_event_fib_want(struct nfo_net *nn, bool wanted)
{
	if (nn->fib_over)
		return;
	WRITE_ONCE(nn->fib_wanted, wanted);
	mod_delayed_work(nfo_net_wq, &nn->fib_work, 0);
}

/**
 * nfo_event_net_init() - make the work items of this room for a new namespace
 * @nn: namespace, not published yet
 *
 * Context: may sleep.
 */
void nfo_event_net_init(struct nfo_net *nn)
{
	INIT_DELAYED_WORK(&nn->fib_work, nfo_event_fib_work);
	INIT_WORK(&nn->rtnl_work, nfo_rtnl_lost_work);
	INIT_DELAYED_WORK(&nn->lost_work, nfo_table_lost_work);
}

/**
 * nfo_event_net_start() - listen to routes and rtnetlink, when the first flowtable comes
 * @nn: namespace
 *
 * A work item registers the notifier of routes soon after the return. A change before that is not
 * missed, because IPv4 and IPv6 count their changes. Context: may sleep, nfo_net::lock held.
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
 * nfo_event_net_stop() - stop listening to routes, when the last flowtable goes
 * @nn: namespace
 *
 * Route events may come until a work item has run; the netlink socket stays open until
 * nfo_event_net_exit(). Context: may sleep, nfo_net::lock held.
 */
void nfo_event_net_stop(struct nfo_net *nn)
{
	nfo_event_fib_want(nn, false);
}

/**
 * nfo_event_net_exit() - the namespace ends: stop listening, and close the netlink socket
 * @nn: namespace after nfo_net_withdraw() and nfo_net_end(), so no flowtable comes any more
 *
 * After the return no message is being delivered. Context: may sleep. The caller does not hold
 * nfo_net::lock; nor nf_tables' commit mutex, which nf_tables takes when a netlink socket closes;
 * nor RTNL, which the work item that is waited for takes.
 */
void nfo_event_net_exit(struct nfo_net *nn)
{
	struct socket *rtnl;

	mutex_lock(&nn->lock);
	nn->fib_over = true;
	rtnl = nn->rtnl;
	nn->rtnl = NULL;
	mutex_unlock(&nn->lock);

	nfo_net_cancel(nn, &nn->lost_work);
	cancel_delayed_work_sync(&nn->fib_work);
	if (nn->fib_on)
		unregister_fib_notifier(nn->net, &nn->fib);
	nn->fib_on = false;
	if (rtnl)
		sock_release(rtnl);
	cancel_work_sync(&nn->rtnl_work);
}

/**
 * nfo_event_init() - listen to devices, IPv4 addresses and neighbours of all namespaces
 *
 * Return: 0 or a negative errno.
 */
int __init nfo_event_init(void)
{
	int err;

	err = register_netdevice_notifier(&nfo_netdev_nb);
	if (err)
		return err;
	err = register_netdevice_notifier(&nfo_link6_nb);
	if (err)
		goto err_netdev;
	err = register_inetaddr_notifier(&nfo_addr_nb);
	if (err)
		goto err_link6;
	err = register_netevent_notifier(&nfo_neigh_nb);
	if (err)
		goto err_addr;

	return 0;

err_addr:
	unregister_inetaddr_notifier(&nfo_addr_nb);
err_link6:
	unregister_netdevice_notifier(&nfo_link6_nb);
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
	unregister_netdevice_notifier(&nfo_link6_nb);
	unregister_netdevice_notifier(&nfo_netdev_nb);
}
