/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as text, compiled and sent by libnftables. The library ends its process where its memory or its socket is refused,
 * or where an answer is not what it expects (libnftnl's abi_breakage()): it works in a child, which shares nothing with us
 * but the result. Nothing is executed.
 */
#pragma once

#include <sys/types.h>

/*
 * Returns when the kernel has the whole of it, or nothing: 0, or the kernel's -errno as far as the library tells it; -EIO:
 * the library ended without a word or took 20 s, the transaction may have been made. It blocks for so long. `*ret_process`
 * is the child, which has ended, also after an error; 0 = there was none.
 */
int nft_text_run(const char *text, pid_t *ret_process);
