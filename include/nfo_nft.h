/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nf_tables: the flowtable types and the flow_offload expression.
 */
#ifndef _NFO_NFT_H
#define _NFO_NFT_H

int nfo_nft_init(void);
void nfo_nft_exit(void);

#endif /* _NFO_NFT_H */
