/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft-text.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/macros.h"

/* Less than the watchdog's 30 s: an answer of the kernel that never comes is to end the child, not the daemon. */
#define NFT_TEXT_MAX_SECONDS 20

static inline void nft_ctx_freep(struct nft_ctx **ctx) {
        if (*ctx)
                nft_ctx_free(*ctx);
}

/* libnftables tells an error as text alone; it ends with what strerror() says. */
static int nft_error_from_text(const char *text) {
        int best = -EIO;
        size_t best_size = 0;

        for (int error = 1; error < 134; error++) {
                const char *name = strerrordesc_np(error);

                if (name && strlen(name) > best_size && strstr(text, name)) {
                        best = -error;
                        best_size = strlen(name);
                }
        }
        return best;
}

static int nft_text_run_here(const char *text) {
        _cleanup_(nft_ctx_freep) struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
        const char *message;

        if (!ctx || nft_ctx_buffer_output(ctx) != 0 || nft_ctx_buffer_error(ctx) != 0)
                return -ENOMEM;
        if (nft_run_cmd_from_buffer(ctx, text) == 0)
                return 0;
        message = nft_ctx_get_error_buffer(ctx);
        log_debug("libnftables: %s", message ? message : "failed without a word");
        return nft_error_from_text(message ? message : "");
}

/* `*result` is shared with the child, and as it was if the library ended it. */
static int nft_text_run_in_child(const char *text, int *result, pid_t *ret_process) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        *ret_process = pid;
        if (pid == 0) {
                (void) alarm(NFT_TEXT_MAX_SECONDS);
                *result = nft_text_run_here(text);
                _exit(0); /* nothing of ours is to be flushed or closed twice */
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        return *result;
}

int nft_text_run(const char *text, pid_t *ret_process) {
        int *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), r;

        *ret_process = 0;
        if (result == MAP_FAILED)
                return -errno;
        *result = -EIO;
        r = nft_text_run_in_child(text, result, ret_process);
        (void) munmap(result, sizeof(*result));
        return r;
}
