// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: any two operations on a flow, in any state of its way into hardware and out, one
 * right after the other or when the first is done, with one chip and with two. In the
 * end the flow is in hardware as a whole or not at all.
 */
#include <linux/rtnetlink.h>

#include "nfo_kunit_chip.h"

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY

static int nfo_pairs_init(struct kunit *test)
{
	nfo_fake_open(test, 1);
	return 0;
}

enum {
	OP_RETIRE,
	OP_EVICT,
	OP_ASK,
	OP_FORGET,
	OP_TEACH,
	OP_PULL_IN,
	OP_PULL_OUT,
	OPS
};

static const char * const nfo_op_names[OPS] = {
	"retire", "evict", "ask", "forget", "teach", "pull the first port", "pull the second port",
};

enum {
	AT_SOFT,
	AT_WAITING,
	AT_ADDING_FIRST,
	AT_BETWEEN,		/* two chips: the second's worker has not run yet */
	AT_ADDING_SECOND,
	AT_LIVE,
	AT_LEAVING,
	AT_DELETING_FIRST,
	AT_DELETING_SECOND,
	AT_END
};

static const char * const nfo_at_names[AT_END] = {
	"in software", "waiting", "adding the first", "between the two", "adding the second",
	"live", "leaving", "deleting the first", "deleting the second",
};

static bool nfo_is_pull(unsigned int op)
{
	return op == OP_PULL_IN || op == OP_PULL_OUT;
}

static void nfo_do(struct nfo_fake *fake, struct nfo_fake_flow *ff, unsigned int op)
{
	switch (op) {
	case OP_RETIRE:
		nfo_flow_retire(&ff->f, NFO_R_USER);
		break;
	case OP_EVICT:
		nfo_fake_evict(ff);
		break;
	case OP_ASK:
		nfo_fake_ask(ff, 100);
		break;
	case OP_FORGET:
		nfo_fake_forget(ff, REPLY);
		break;
	case OP_TEACH:
		nfo_fake_teach(ff, REPLY);
		break;
	default:
		nfo_fake_pull_begin(fake, &fake->port[op == OP_PULL_OUT]);
	}
}

/* The driver is in the middle of a call. */
static void nfo_do_during(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	unsigned long first = fake->arg % OPS, second = fake->arg / OPS;

	nfo_do(fake, ff, first);
	if (second < OPS)
		nfo_do(fake, ff, second);
}

static void nfo_call_during(struct nfo_fake *fake, enum flow_cls_command cmd, u8 dir)
{
	fake->during_cmd = cmd;
	fake->during_dir = dir;
	fake->during = nfo_do_during;
}

/* Bring the flow to a state, or to the point where the driver's next call does. Return:
 * true when the operations are for the driver to do, in the middle of its call.
 */
static bool nfo_bring_to(struct nfo_fake *fake, struct nfo_fake_flow *ff, unsigned int at)
{
	if (at == AT_SOFT)
		return false;
	nfo_fake_ask(ff, 100);
	switch (at) {
	case AT_ADDING_FIRST:
		nfo_call_during(fake, FLOW_CLS_REPLACE, ORIGINAL);
		return true;
	case AT_BETWEEN:
		nfo_fake_run_queue(fake, fake->port[0].d->queue);
		return false;
	case AT_ADDING_SECOND:
		nfo_call_during(fake, FLOW_CLS_REPLACE, REPLY);
		return true;
	}
	if (at < AT_LIVE)
		return false;
	nfo_fake_run(fake);
	if (at > AT_LIVE)
		nfo_fake_evict(ff);
	if (at == AT_DELETING_FIRST)
		nfo_call_during(fake, FLOW_CLS_DESTROY, ORIGINAL);
	if (at == AT_DELETING_SECOND)
		nfo_call_during(fake, FLOW_CLS_DESTROY, REPLY);

	return at >= AT_DELETING_FIRST;
}

/* Nothing is left to do: then the flow is in hardware as a whole, or not at all; and
 * there it has no business with a device that was pulled, when it is dead, or when one
 * of its directions is not known.
 */
static bool nfo_settled(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	bool dead = test_bit(NFO_F_DEAD, &ff->f.state);

	if (nfo_flow_hw(&ff->f)->state == NFO_HW_SOFT)
		return nfo_fake_nothing_left(fake, ff, !dead);

	return nfo_fake_in_whole(fake, ff) && !dead && !nfo_flow_is_oneway(&ff->f) &&
	       !fake->port[0].d->leaving && !fake->port[1].d->leaving;
}

static bool nfo_settle(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	nfo_fake_run(fake);

	return nfo_fake_pull_end(fake) && !fake->during && nfo_settled(fake, ff);
}

/* Return: all was well. */
static bool nfo_check_pair(struct kunit *test, unsigned int at, unsigned int first,
			   unsigned int second, bool apart)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	bool good, end, reached;

	fake->arg = first + OPS * (apart ? OPS : second);
	if (nfo_bring_to(fake, ff, at)) {
		nfo_fake_run(fake);
		reached = !fake->during;
		fake->during = NULL;
	} else {
		reached = true;
		nfo_do(fake, ff, first);
		if (!apart)
			nfo_do(fake, ff, second);
	}
	good = nfo_settle(fake, ff);
	if (apart) {
		nfo_do(fake, ff, second);
		good &= nfo_settle(fake, ff);
	}
	KUNIT_EXPECT_TRUE_MSG(test, good && reached, "%s, then %s%s, while %s, %u chips",
			      nfo_op_names[first], apart ? "when that is done " : "",
			      nfo_op_names[second], nfo_at_names[at], fake->chips);
	nfo_flow_retire(&ff->f, NFO_R_USER);
	end = nfo_settle(fake, ff) && nfo_fake_nothing_left(fake, ff, 0);
	KUNIT_EXPECT_TRUE_MSG(test, end, "%s and %s while %s: something is left",
			      nfo_op_names[first], nfo_op_names[second], nfo_at_names[at]);
	nfo_hw_forget(fake->port[0].d);
	nfo_hw_forget(fake->port[1].d);
	fake->calls = 0;

	return good && reached && end;
}

/* The first pair that goes wrong ends it: it may have cost a time-out. */
static void nfo_check_state(struct kunit *test, unsigned int at)
{
	unsigned int first, second, apart;

	for (first = 0; first < OPS; first++)
		for (second = 0; second < OPS; second++)
			for (apart = 0; apart < 2; apart++) {
				/* nfo_net::lock is held: one pull at a time. */
				if (!apart && nfo_is_pull(first) && nfo_is_pull(second))
					continue;
				if (!nfo_check_pair(test, at, first, second, apart))
					return;
			}
}

static void nfo_test_any_two(struct kunit *test)
{
	const unsigned int *at = test->param_value;

	if (*at != AT_BETWEEN)
		nfo_check_state(test, *at);
	nfo_fake_chips(test->priv, 2);
	nfo_check_state(test, *at);
}

static const unsigned int nfo_states[] = {
	AT_SOFT, AT_WAITING, AT_ADDING_FIRST, AT_BETWEEN, AT_ADDING_SECOND, AT_LIVE,
	AT_LEAVING, AT_DELETING_FIRST, AT_DELETING_SECOND,
};

static void nfo_state_name(const unsigned int *at, char *name)
{
	strscpy(name, nfo_at_names[*at], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(nfo_state, nfo_states, nfo_state_name);

/* The worker of the first port's chip, in a thread of its own. */
struct nfo_worker {
	struct work_struct	work;
	struct nfo_fake		*fake;
	struct completion	done;
};

static void nfo_worker_run(struct work_struct *work)
{
	struct nfo_worker *w = container_of(work, struct nfo_worker, work);

	nfo_fake_run_queue(w->fake, w->fake->port[0].d->queue);
	complete(&w->done);
}

/* The holder of RTNL waits until no flow names the second port. A flow names it while the first
 * port's chip is still to take the flow's first rule, and the driver of that chip wants RTNL.
 */
static void nfo_test_rtnl_of_another_chip(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_worker w = { .fake = fake };
	bool done;

	nfo_fake_chips(fake, 2);
	fake->port[0].d->locked = true;
	nfo_fake_ask(ff, 100);
	init_completion(&w.done);
	INIT_WORK_ONSTACK(&w.work, nfo_worker_run);
	rtnl_lock();
	nfo_fake_pull_begin(fake, &fake->port[1]);
	schedule_work(&w.work);
	done = wait_for_completion_timeout(&w.done, 10 * HZ);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE_MSG(test, done, "the worker waits for RTNL, its holder for the worker");
	flush_work(&w.work);
	destroy_work_on_stack(&w.work);
	KUNIT_EXPECT_TRUE(test, nfo_settle(fake, ff));
	KUNIT_EXPECT_FALSE(test, fake->t.hw.lent);
	KUNIT_EXPECT_EQ(test, fake->t.hw.pullers, 0);
	nfo_fake_end(test, ff);
}

static void nfo_note_rtnl(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	fake->arg = rtnl_is_locked();
}

/* The holder of RTNL waited for a puller and is done, and the puller still waits for the worker. */
static void nfo_test_rtnl_free_again(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

	fake->port[0].d->locked = true;
	fake->t.hw.lent = true;
	nfo_call_during(fake, FLOW_CLS_REPLACE, ORIGINAL);
	fake->during = nfo_note_rtnl;
	fake->arg = 0;
	nfo_fake_ask(ff, 100);
	nfo_fake_run(fake);
	KUNIT_EXPECT_EQ(test, fake->arg, 1);
	fake->t.hw.lent = false;
	nfo_fake_end(test, ff);
}

static struct kunit_case nfo_pairs_cases[] = {
	KUNIT_CASE(nfo_test_rtnl_free_again),
	KUNIT_CASE_PARAM(nfo_test_any_two, nfo_state_gen_params),
	KUNIT_CASE(nfo_test_rtnl_of_another_chip),
	{}
};

static struct kunit_suite nfo_pairs_suite = {
	.name		= "nf_flow_offload_hw_pairs",
	.init		= nfo_pairs_init,
	.exit		= nfo_fake_close,
	.test_cases	= nfo_pairs_cases,
};

kunit_test_suite(nfo_pairs_suite);
