// SPDX-License-Identifier: GPL-2.0
/*
 * A module that does wrong on purpose, so that the tests' judge can be seen to
 * notice. One fault for one load: insmod nfo_faulty.ko fault=NAME.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault = "";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "leak, uaf, lock-order, sleep, rcu, refcount or warn");

static DEFINE_MUTEX(first);	/* taken in both orders by lock-order */
static DEFINE_MUTEX(second);	/* the other one */
static DEFINE_SPINLOCK(atomic);	/* held around what may sleep */

static void leak(void)
{
	int i;

	/* Several: a stale pointer on a stack may hide one from the scan. */
	for (i = 0; i < 128; i++) {
		void *lost = kmalloc(333, GFP_KERNEL);

		if (lost)
			memset(lost, i, 333);
		OPTIMIZER_HIDE_VAR(lost);
	}
}

static void uaf(void)
{
	char *gone = kmalloc(64, GFP_KERNEL);

	if (!gone)
		return;
	kfree(gone);
	OPTIMIZER_HIDE_VAR(gone);
	WRITE_ONCE(gone[3], 1);
}

static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_atomic(void)
{
	spin_lock(&atomic);
	might_sleep();
	spin_unlock(&atomic);
}

static void rcu_misuse(void)
{
	static int value;
	static int __rcu *pointer;

	rcu_assign_pointer(pointer, &value);
	pr_info("%d\n", *rcu_dereference(pointer));
}

static void refcount_misuse(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	if (refcount_dec_and_test(&count))
		refcount_dec(&count);
}

static int __init nfo_faulty_init(void)
{
	if (!strcmp(fault, "leak"))
		leak();
	else if (!strcmp(fault, "uaf"))
		uaf();
	else if (!strcmp(fault, "lock-order"))
		lock_order();
	else if (!strcmp(fault, "sleep"))
		sleep_atomic();
	else if (!strcmp(fault, "rcu"))
		rcu_misuse();
	else if (!strcmp(fault, "refcount"))
		refcount_misuse();
	else if (!strcmp(fault, "warn"))
		WARN_ON(1);
	else
		return -EINVAL;
	return 0;
}

static void __exit nfo_faulty_exit(void)
{
}

module_init(nfo_faulty_init);
module_exit(nfo_faulty_exit);
MODULE_DESCRIPTION("Does wrong on purpose");
MODULE_LICENSE("GPL");
