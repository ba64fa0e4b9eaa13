/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "apiserver/api-server.h"
#include "apiserver/manifests.h"
#include "bus/bus.h"
#include "common/log.h"
#include "common/message-ids.h"
#include "config/kubeconfig.h"
#include "control/manager.h"
#include "control/priorities.h"
#include "daemon-events.h"
#include "instance-lock.h"
#include "kernel/backend.h"
#include "manager-config.h"
#include "one-shot.h"
#include "source-report.h"
#include "web-counters.h"
#include "web/web.h"

/*
 * READY follows the first sync. Where no API server answers it must not wait for one: on the node that runs the API
 * server itself as a static pod, the kubelet may be ordered behind this unit.
 */
#define READY_WAIT_USEC (10 * USEC_PER_SEC)

struct Daemon {
        Config *config; /* owned, like all below */
        int argc;
        char **argv; /* borrowed */
        InstanceLock lock;
        sd_event *event;
        Manager *manager;
        ApiServer *api; /* NULL without an API server */
        Manifests *manifests; /* NULL without a directory of them */
        DaemonEvents *events; /* NULL without an API server */
        Bus *bus;
        Web *web;
        sd_event_source *ready_timer;
        bool ready; /* READY=1 was sent */
        ManagerState state; /* as last told to the service manager */
        ApiState api_state;
};

int daemon_new(Config *config, int argc, char **argv, Daemon **ret) {
        Daemon *daemon = calloc(1, sizeof(Daemon));

        if (!daemon) {
                (void) config_free(config);
                return -ENOMEM;
        }
        *daemon = (Daemon) {
                .config = config,
                .argc = argc,
                .argv = argv,
                .lock = INSTANCE_LOCK_NONE,
                .state = _MANAGER_STATE_INVALID,
                .api_state = _API_STATE_INVALID,
        };
        *ret = daemon;
        return 0;
}

Daemon *daemon_free(Daemon *daemon) {
        if (!daemon)
                return NULL;
        (void) web_free(daemon->web);
        (void) bus_free(daemon->bus);
        (void) daemon_events_free(daemon->events);
        if (daemon->manager)
                yield_remove(manager_yield(daemon->manager), daemon);
        (void) api_server_free(daemon->api);
        (void) manifests_free(daemon->manifests);
        (void) manager_free(daemon->manager);
        (void) sd_event_source_disable_unref(daemon->ready_timer);
        (void) sd_event_unref(daemon->event);
        instance_lock_release(&daemon->lock);
        (void) config_free(daemon->config);
        free(daemon);
        return NULL;
}

size_t daemon_log_messages(const ConfigMessages *messages) {
        for (size_t i = 0; i < messages->n_items; i++) {
                const ConfigMessage *message = &messages->items[i];

                if (message->severity == CONFIG_SEVERITY_ERROR)
                        log_error("%s", message->text);
                else
                        log_warning("%s", message->text);
        }
        return messages->n_errors;
}

int daemon_load_client(const Config *config, KubeClientConfig **ret) {
        _cleanup_(freep) char *error = NULL;
        int r;

        if (config->kubeconfig[0])
                r = kubeconfig_load(config->kubeconfig, NULL, config->master, ret, &error);
        else if (config->master[0])
                r = kubeconfig_from_master(config->master, ret, &error);
        else if (config->manifests[0]) {
                *ret = NULL;
                return 0;
        } else {
                log_info("Neither kubeconfig nor --master was specified, falling back to in-cluster config");
                r = kubeconfig_in_cluster(ret, &error);
        }
        if (r < 0)
                (void) log_error_errno(r, "%s", error ? error : "Failed to prepare the connection to the API server");
        return r;
}

/* ---- what the service manager is told */

static void daemon_notify(Daemon *daemon) {
        ManagerStatus status;

        manager_status_brief(daemon->manager, &status);
        if (daemon->state == status.state && daemon->api_state == status.api_state)
                return;
        daemon->state = status.state;
        daemon->api_state = status.api_state;
        (void) sd_notifyf(false,
                          "STATUS=%s, API server %s, %" PRIu32 " service ports%s%s",
                          manager_state_to_string(status.state),
                          daemon->api ? api_state_to_string(status.api_state) : "not used",
                          status.n_services,
                          status.error[0] ? ": " : "",
                          status.error);
}

static void daemon_set_ready(Daemon *daemon) {
        if (daemon->ready)
                return;
        daemon->ready = true;
        (void) sd_event_source_set_enabled(daemon->ready_timer, SD_EVENT_OFF);
        (void) sd_notify(false, "READY=1");
}

static void on_manager_changed(Manager *manager, void *userdata) {
        Daemon *daemon = userdata;
        ManagerStatus status;

        manager_status_brief(manager, &status);
        daemon_notify(daemon);
        if (status.state == MANAGER_STATE_STARTING || status.state == MANAGER_STATE_SYNCING)
                return;
        daemon_set_ready(daemon);
        if (daemon->config->dry_run) /* one complete pass is what was asked for */
                (void) sd_event_exit(daemon->event, 0);
}

static int on_ready_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Daemon *daemon = userdata;

        if (!daemon->ready)
                log_warning("The first sync is not complete, what the kernel held before stays at work");
        daemon_set_ready(daemon);
        return 0;
}

/* ---- sources */

static void daemon_report_sources(Daemon *daemon) {
        SourceReport report;

        source_report_collect(daemon->api, daemon->manifests, &report);
        manager_set_source_report(daemon->manager, &report);
}

static void on_source_synced(void *userdata) {
        Daemon *daemon = userdata;

        daemon_report_sources(daemon);
        manager_source_synced(daemon->manager);
}

static void on_api_state(ApiState state, uint64_t event_usec, void *userdata) {
        Daemon *daemon = userdata;

        daemon_report_sources(daemon);
        manager_set_api_state(daemon->manager, state, event_usec);
        daemon_notify(daemon);
}

static void on_api_worked(uint64_t begun_usec, void *userdata) {
        Daemon *daemon = userdata;

        yield_worked(manager_yield(daemon->manager), begun_usec);
}

static void on_yield(bool yield, void *userdata) {
        Daemon *daemon = userdata;

        api_server_set_priority(daemon->api, yield ? EVENT_PRIORITY_YIELD : EVENT_PRIORITY_API);
}

static int daemon_new_api(Daemon *daemon, KubeClientConfig *client) {
        static const ApiServerHandlers handlers = {
                .synced = on_source_synced,
                .state = on_api_state,
                .worked = on_api_worked,
        };
        ApiServerOptions options = {
                .node_name = daemon->config->node_name,
                .watch_nodes = daemon->config->watch_nodes,
                .user_agent = "ipvsproxyd/" PACKAGE_VERSION,
                .priority = EVENT_PRIORITY_API,
                .events = !daemon->config->dry_run,
        };
        int r = api_server_new(
                daemon->event, manager_store(daemon->manager), client, &options, &handlers, daemon, &daemon->api);

        return r < 0 ? r : yield_add(manager_yield(daemon->manager), on_yield, daemon);
}

static int daemon_new_manifests(Daemon *daemon) {
        if (!daemon->config->manifests[0])
                return 0;
        return manifests_new(daemon->event,
                             manager_store(daemon->manager),
                             daemon->config->manifests,
                             EVENT_PRIORITY_API,
                             on_source_synced,
                             daemon,
                             &daemon->manifests);
}

/* ---- reading the configuration again */

static void on_config_change(const ConfigChange *change, void *userdata) {
        if (change->live)
                log_info("The setting %s changed and is in force now", change->name);
        else
                log_warning("The setting %s changed and needs a restart", change->name);
}

static int daemon_apply(Daemon *daemon, Config *config, KubeClientConfig *client, char **ret_problem) {
        _cleanup_(manager_config_done) ManagerConfig options = {};
        int r = manager_config_make(config, daemon->api, daemon->manifests, &options);

        if (r >= 0)
                r = manager_check_options(daemon->manager, &options.options, ret_problem);
        if (r >= 0)
                r = manager_reconfigure(daemon->manager, &options.options);
        if (r < 0) {
                (void) kube_client_config_free(client);
                (void) config_free(config);
                return r;
        }
        if (daemon->api && client)
                r = api_server_set_client(daemon->api, client);
        else
                (void) kube_client_config_free(client);
        log_set_verbosity(config->verbosity);
        if (daemon->bus)
                bus_set_shutdown_delay(daemon->bus, config->shutdown_delay_usec);
        if (daemon->web)
                web_set_detail(daemon->web, config->metrics_detail, (size_t) config->metrics_max_series);
        (void) config_compare(daemon->config, config, on_config_change, NULL);
        (void) config_free(daemon->config);
        daemon->config = config;
        return r;
}

/* For the caller of the bus method: the first error; all of them are in the log. */
static char *first_problem(const ConfigMessages *messages) {
        for (size_t i = 0; i < messages->n_items; i++)
                if (messages->items[i].severity == CONFIG_SEVERITY_ERROR)
                        return strdup(messages->items[i].text);
        return strdup("The kubeconfig cannot be used, see the log");
}

/* A broken file is refused and the running configuration stays. */
static int daemon_reload(char **ret_problem, void *userdata) {
        Daemon *daemon = userdata;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(config_freep) Config *config = NULL;
        KubeClientConfig *client = NULL;
        int r;

        r = config_load(daemon->argc, daemon->argv, &config, &messages);
        (void) daemon_log_messages(&messages);
        if (r >= 0)
                r = daemon_load_client(config, &client);
        if (r < 0) {
                *ret_problem = first_problem(&messages);
                log_struct(LOG_ERR,
                           ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_CONFIG_REJECTED, NULL }),
                           "The configuration was not reloaded, the running one stays: %s",
                           *ret_problem ? *ret_problem : "out of memory");
                return r == -ENOMEM ? r : -EINVAL;
        }
        r = daemon_apply(daemon, TAKE_PTR(config), client, ret_problem);
        if (r == -ENOPKG) {
                log_error("%s. The configuration was not reloaded, the running one stays", *ret_problem ? *ret_problem : "");
                return -EINVAL;
        }
        if (r < 0)
                return log_error_errno(r, "Failed to apply the new configuration: %m");
        log_info("Reloaded the configuration");
        return 0;
}

static int on_sighup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        _cleanup_(freep) char *problem = NULL;

        (void) daemon_reload(&problem, userdata);
        return 0;
}

/* ---- wiring */

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Daemon *daemon = userdata;

        log_info("Stopping on signal %" PRIu32 ", the kernel keeps what is programmed", info->ssi_signo);
        (void) sd_notify(false, "STOPPING=1");
        return sd_event_exit(daemon->event, 0);
}

static int daemon_add_signal(Daemon *daemon, int signo, sd_event_signal_handler_t handler) {
        sd_event_source *source;
        int r = sd_event_add_signal(daemon->event, &source, signo, handler, daemon);

        if (r >= 0)
                r = sd_event_source_set_priority(source, EVENT_PRIORITY_SIGNAL);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        if (r >= 0)
                (void) sd_event_source_unref(source);
        return r;
}

static int daemon_new_event(Daemon *daemon) {
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        r = sd_event_default(&daemon->event);
        if (r >= 0)
                r = daemon_add_signal(daemon, SIGTERM, on_stop);
        if (r >= 0)
                r = daemon_add_signal(daemon, SIGINT, on_stop);
        if (r >= 0)
                r = daemon_add_signal(daemon, SIGHUP, on_sighup);
        if (r >= 0)
                r = sd_event_set_watchdog(daemon->event, true);
        if (r >= 0)
                r = sd_event_add_time_relative(daemon->event,
                                               &daemon->ready_timer,
                                               CLOCK_BOOTTIME,
                                               READY_WAIT_USEC,
                                               0,
                                               on_ready_timer,
                                               daemon);
        return MIN2(r, 0);
}

static int daemon_new_manager(Daemon *daemon, bool has_api) {
        _cleanup_(manager_config_done) ManagerConfig options = {};
        KernelBackend *backend;
        int r = manager_config_make(daemon->config, has_api, daemon->config->manifests[0], &options);

        if (r >= 0)
                r = one_shot_backend(daemon->config, &backend);
        if (r >= 0)
                r = manager_new(daemon->event, backend, &options.options, &daemon->manager);
        if (r >= 0)
                r = manager_add_listener(daemon->manager, on_manager_changed, daemon);
        return r;
}

static int daemon_new_bus(Daemon *daemon) {
        BusOptions options = {
                .version = PACKAGE_VERSION,
                .reload = daemon_reload,
                .userdata = daemon,
                .shutdown_delay_usec = daemon->config->shutdown_delay_usec,
        };

        return bus_new(daemon->event, daemon->manager, &options, &daemon->bus);
}

static void on_web_counters(WebCounters *ret, void *userdata) {
        const Daemon *daemon = userdata;

        web_counters_collect(daemon->api, daemon->bus, ret);
}

static void on_web_failed(const WebFailure *failure, void *userdata) {
        const Daemon *daemon = userdata;

        if (daemon->events)
                daemon_events_failed(daemon->events, failure);
}

static char *on_web_config(void *userdata) {
        const Daemon *daemon = userdata;
        char *text = NULL;

        return config_format_json(daemon->config, &text) < 0 ? NULL : text;
}

static int daemon_new_web(Daemon *daemon) {
        WebOptions options = {
                .healthz_address = daemon->config->healthz_bind_address,
                .metrics_address = daemon->config->metrics_bind_address,
                .hard_fail = daemon->config->bind_address_hard_fail,
                .version = PACKAGE_VERSION,
                .metrics_detail = daemon->config->metrics_detail,
                .max_series = (size_t) daemon->config->metrics_max_series,
                .config = on_web_config,
                .counters = on_web_counters,
                .failed = on_web_failed,
                .userdata = daemon,
        };

        return web_new(daemon->event, daemon->manager, &options, &daemon->web);
}

/* Takes the client. */
static int daemon_new_parts(Daemon *daemon, KubeClientConfig *client) {
        int r = daemon_new_manager(daemon, client);

        if (r < 0) {
                (void) kube_client_config_free(client);
                return r;
        }
        if (client)
                r = daemon_new_api(daemon, client);
        if (r >= 0)
                r = daemon_new_manifests(daemon);
        if (daemon->config->dry_run || r < 0)
                return r;
        if (daemon->api)
                r = daemon_events_new(daemon->event, daemon->manager, daemon->api, &daemon->events);
        if (r >= 0)
                r = daemon_new_bus(daemon);
        return r < 0 ? r : daemon_new_web(daemon);
}

static int daemon_start(Daemon *daemon) {
        int r = daemon->bus ? bus_start(daemon->bus) : 0;

        if (r < 0)
                return log_error_errno(r, "Failed to begin to serve D-Bus: %m");
        daemon_report_sources(daemon);
        r = manager_start(daemon->manager);
        if (r < 0)
                return r; /* logged */
        if (daemon->web) {
                r = web_start(daemon->web);
                if (r < 0)
                        return r; /* logged */
        }
        if (daemon->api) {
                r = api_server_start(daemon->api);
                if (r < 0)
                        return log_error_errno(r, "Failed to begin to follow the API server: %m");
                if (daemon->events)
                        daemon_events_started(daemon->events, PACKAGE_VERSION);
        }
        if (daemon->manifests) {
                r = manifests_start(daemon->manifests);
                if (r < 0)
                        return log_error_errno(r, "Failed to begin to follow %s: %m", daemon->config->manifests);
        }
        log_struct(LOG_INFO,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_STARTED, NULL }),
                   "Started on node %s",
                   daemon->config->node_name);
        daemon_notify(daemon);
        return 0;
}

/* Lowering it needs CAP_SYS_RESOURCE, which the unit does not give: there OOMScoreAdjust= of the unit counts. */
static void daemon_adjust_oom_score(const Daemon *daemon) {
        _cleanup_(closep) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        char text[16];
        int n = snprintf(text, sizeof(text), "%" PRId32, daemon->config->oom_score_adj);

        if (fd < 0 || write(fd, text, (size_t) n) != n)
                log_debug("Left the OOM score as it is: %m");
}

int daemon_run(Daemon *daemon) {
        KubeClientConfig *client = NULL;
        int r;

        r = daemon->config->dry_run ? 0 : instance_lock_take(&daemon->lock, daemon->config->state_directory);
        if (r < 0)
                return r;
        daemon_adjust_oom_score(daemon);
        log_info("Version info: ipvsproxyd %s", PACKAGE_VERSION);
        if (daemon->config->scheduler[0] == '\0')
                log_info("IPVS scheduler not specified, use rr by default");
        r = daemon_load_client(daemon->config, &client);
        if (r < 0)
                return r;
        r = daemon_new_event(daemon);
        if (r < 0)
                (void) kube_client_config_free(client);
        else
                r = daemon_new_parts(daemon, client);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the daemon: %m");
        r = daemon_start(daemon);
        if (r < 0)
                return r;
        r = sd_event_loop(daemon->event);
        return r < 0 ? log_error_errno(r, "The event loop failed: %m") : 0;
}
