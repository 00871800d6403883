/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each file of a driver: the memory that the driver shares with its chip is
 * plain memory. User Mode Linux has no DMA, and a model reads what the driver wrote.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>

static inline void *nfd_dmam_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle,
					    gfp_t gfp)
{
	void *memory = devm_kzalloc(dev, size, gfp);

	/* A driver may take 0 for memory that it did not get. */
	*handle = memory ? virt_to_phys(memory) : 0;

	return memory;
}

#define dmam_alloc_coherent nfd_dmam_alloc_coherent
