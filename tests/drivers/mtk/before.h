/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each of the driver's files: what the driver writes to its registers goes to
 * the model, and what it reads comes from there.
 */
#include <linux/io.h>
#include "memory.h"

u32 nfd_readl(const void __iomem *at);
void nfd_writel(u32 val, void __iomem *at);

#undef readl
#undef writel
#define readl nfd_readl
#define writel nfd_writel
