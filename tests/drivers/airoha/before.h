/* SPDX-License-Identifier: GPL-2.0 */
/* Included before each of the driver's files. */
#include "memory.h"
