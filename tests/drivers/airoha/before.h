/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each of the driver's files: User Mode Linux has no DMA, so the memory that
 * the driver shares with its chip is plain memory.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>

static inline void *nfd_dmam_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle,
					    gfp_t gfp)
{
	*handle = 0;
	return devm_kzalloc(dev, size, gfp);
}

#define dmam_alloc_coherent nfd_dmam_alloc_coherent
