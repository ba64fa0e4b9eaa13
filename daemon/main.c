/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run is for: reads the command line, then prints, checks, cleans up, or becomes the daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "config/config.h"
#include "config/kubeconfig.h"
#include "daemon.h"
#include "one-shot.h"

/* Text that `make` made, to stdout; a closed pipe is a failure like another. */
static int print_text(int r, char *text) {
        if (r >= 0 && (fputs(text, stdout) == EOF || fflush(stdout) == EOF))
                r = -errno;
        free(text);
        return r < 0 ? log_error_errno(r, "Failed to print: %m") : 0;
}

static int run_help(void) {
        char *text = NULL;
        int r = config_help(&text);

        return print_text(r, text);
}

static int run_version(ConfigAction action) {
        char *text = NULL;
        int r = config_version(action, &text);

        return print_text(r, text);
}

/* The configuration was read without error; what is left to check is how to reach the API server. */
static int run_check(const Config *config) {
        _cleanup_(kube_client_config_freep) KubeClientConfig *client = NULL;
        int r = daemon_load_client(config, &client);

        if (r < 0)
                return r;
        (void) printf("The configuration is good%s%s%s.\n",
                      client ? "; the API server is " : "",
                      client ? client->server : "",
                      client ? "" : "; only manifests are followed");
        return 0;
}

static int run_write_config(const Config *config) {
        int r = config_write(config);

        if (r < 0)
                return log_error_errno(r, "Failed to write the configuration to %s: %m", config->write_config_to);
        log_info("Wrote configuration to file \"%s\"", config->write_config_to);
        return 0;
}

static int run_daemon(Config *config, int argc, char **argv) {
        _cleanup_(daemon_freep) Daemon *daemon = NULL;
        int r = daemon_new(config, argc, argv, &daemon);

        if (r < 0)
                return log_oom();
        return daemon_run(daemon);
}

static int run(int argc, char **argv) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        int r = config_load(argc, argv, &config, &messages);

        if (config)
                log_set_verbosity(config->verbosity);
        log_set_json(config && config->log_format == LOG_FORMAT_JSON);
        (void) daemon_log_messages(&messages);
        if (r == -EINVAL)
                return r;
        if (r < 0)
                return log_error_errno(r, "Failed to read the configuration: %m");
        switch (config->action) {
        case CONFIG_ACTION_HELP:
                return run_help();
        case CONFIG_ACTION_VERSION:
        case CONFIG_ACTION_VERSION_RAW:
                return run_version(config->action);
        case CONFIG_ACTION_CHECK:
                return run_check(config);
        case CONFIG_ACTION_WRITE_CONFIG:
                return run_write_config(config);
        case CONFIG_ACTION_CLEANUP:
                return one_shot_cleanup(config);
        case CONFIG_ACTION_INIT_ONLY:
                return one_shot_init(config);
        case CONFIG_ACTION_RUN:
                return run_daemon(TAKE_PTR(config), argc, argv);
        case _CONFIG_ACTION_MAX:
        case _CONFIG_ACTION_INVALID:
                break;
        }
        return -EINVAL;
}

int main(int argc, char **argv) {
        return run(argc, argv) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
