/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's version. Each room has a header of its own; the rooms and the
 * directions in which they call each other are listed in tests/rooms.list.
 */
#ifndef _NFO_H
#define _NFO_H

#define NFO_VERSION "0.3.0"

extern const char nfo_version[];

#endif /* _NFO_H */
