/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each of the driver's files: User Mode Linux has no PCI, and the driver's
 * headers have an array of this.
 */
#include <linux/pci.h>

#ifndef CONFIG_PCI
struct msix_entry {
	u32	vector;
	u16	entry;
};
#endif
