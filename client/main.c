/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipvsproxyctl: shows and steers ipvsproxyd over D-Bus. */
#include <locale.h>
#include <signal.h>

#include "client/verbs.h"

int main(int argc, char *argv[]) {
        (void) setlocale(LC_ALL, "");
        /* A reader that left shows as EPIPE, which ends us without a word. */
        (void) signal(SIGPIPE, SIG_IGN);
        return client_main(argc, argv);
}
