/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/api-fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "common/clock.h"
#include "tests/unit/test.h"

/* ---- the server */

void api_fixture_write(const ApiFixture *fixture, const char *name, const char *text) {
        char path[256], temporary[256];
        FILE *file;

        (void) snprintf(path, sizeof(path), "%s/objects/%s", fixture->folder, name);
        (void) snprintf(temporary, sizeof(temporary), "%s/objects/.%s", fixture->folder, name);
        file = fopen(temporary, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(rename(temporary, path), 0);
}

static void api_fixture_spawn(ApiFixture *fixture, const char *const *options, int out) {
        const char *arguments[32] = { "test-apiserver", "--state", fixture->folder, "--dir" };
        char objects[128];
        size_t n = 5;

        (void) snprintf(objects, sizeof(objects), "%s/objects", fixture->folder);
        assert_int_equal(mkdir(objects, 0755), 0);
        arguments[4] = objects;
        for (; options && *options; options++)
                arguments[n++] = *options;
        fixture->pid = fork();
        assert_true(fixture->pid >= 0);
        if (fixture->pid > 0)
                return;
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that dies must not leave it behind */
        (void) dup2(out, STDOUT_FILENO);
        (void) execv("tests/apiserver/test-apiserver", (char *const *) (uintptr_t) arguments);
        _exit(127);
}

void api_fixture_start(ApiFixture *fixture, const char *const *options) {
        char line[64];
        FILE *ready;
        int out[2];

        *fixture = (ApiFixture) { .folder = "/tmp/test-api-server-XXXXXX" };
        assert_non_null(mkdtemp(fixture->folder));
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        api_fixture_spawn(fixture, options, out[1]);
        (void) close(out[1]);
        ready = fdopen(out[0], "re");
        assert_non_null(ready);
        assert_non_null(fgets(line, sizeof(line), ready));
        assert_int_equal(strncmp(line, "ready ", 6), 0);
        assert_int_equal(fclose(ready), 0);
        assert_int_equal(sd_event_new(&fixture->event), 0);
        assert_int_equal(store_new(NULL, NULL, &fixture->store), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

void api_fixture_stop(ApiFixture *fixture) {
        int status;

        api_fixture_disconnect(fixture);
        fixture->store = store_free(fixture->store);
        fixture->event = sd_event_unref(fixture->event);
        if (fixture->pid > 0) {
                (void) kill(fixture->pid, SIGCONT);
                assert_int_equal(kill(fixture->pid, SIGTERM), 0);
                assert_int_equal(waitpid(fixture->pid, &status, 0), fixture->pid);
        }
        assert_int_equal(nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int control_connect(const ApiFixture *fixture, const char *command, const char *payload) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", fixture->folder);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(send(fd, command, strlen(command), 0), strlen(command));
        if (payload) {
                assert_int_equal(send(fd, "\n", 1, 0), 1);
                assert_int_equal(send(fd, payload, strlen(payload), 0), strlen(payload));
        }
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        return fd;
}

static char *control_ask(const ApiFixture *fixture, const char *command, const char *payload) {
        _cleanup_(closep) int fd = control_connect(fixture, command, payload);
        size_t size = 256 * 1024, used = 0;
        char *answer = malloc(size);
        ssize_t n;

        assert_non_null(answer);
        while ((n = recv(fd, answer + used, size - 1 - used, 0)) > 0)
                used += (size_t) n;
        answer[used] = '\0';
        if (used < 3 || strcmp(answer + used - 3, "ok\n") != 0)
                fail_msg("%s: %s", command, answer);
        answer[used - 3] = '\0';
        return answer;
}

void api_fixture_control(const ApiFixture *fixture, const char *command, const char *payload) {
        free(control_ask(fixture, command, payload));
}

char *api_fixture_ask(const ApiFixture *fixture, const char *command) {
        return control_ask(fixture, command, NULL);
}

/* ---- the client */

KubeClientConfig *api_fixture_kubeconfig(const ApiFixture *fixture, const char *name) {
        KubeClientConfig *config = NULL;
        char path[128], *error = NULL;

        (void) snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
        if (kubeconfig_load(path, NULL, NULL, &config, &error) < 0)
                fail_msg("%s", error);
        return config;
}

static void on_synced(void *userdata) {
        ((ApiFixture *) userdata)->n_synced++;
}

static void on_state(ApiState state, uint64_t event_usec, void *userdata) {
        ApiFixture *fixture = userdata;

        fixture->n_states += fixture->state != state;
        fixture->state = state;
        fixture->event_usec = event_usec;
}

static void on_worked(uint64_t begun_usec, void *userdata) {
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

        assert_true(begun_usec <= now && now - begun_usec < 60 * USEC_PER_SEC);
        ((ApiFixture *) userdata)->n_worked++;
}

void api_fixture_connect(ApiFixture *fixture, KubeClientConfig *config) {
        static const ApiServerHandlers handlers = { .synced = on_synced, .state = on_state, .worked = on_worked };
        ApiServerOptions options = {
                .node_name = "n1",
                .watch_nodes = fixture->watch_nodes,
                .user_agent = "test",
                .silence_usec = fixture->silence_usec,
        };

        assert_null(fixture->client);
        assert_int_equal(api_server_new(fixture->event, fixture->store, config, &options, &handlers, fixture, &fixture->client), 0);
        assert_int_equal(api_server_start(fixture->client), 0);
}

void api_fixture_disconnect(ApiFixture *fixture) {
        fixture->client = api_server_free(fixture->client);
}

bool api_fixture_run(ApiFixture *fixture, bool (*done)(ApiFixture *fixture), unsigned seconds) {
        uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;

        while (!done(fixture)) {
                uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

                if (now >= end)
                        return false;
                assert_true(sd_event_run(fixture->event, MIN2(end - now, 100 * USEC_PER_MSEC)) >= 0);
        }
        return true;
}

bool api_fixture_is_watching(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.state == API_STATE_WATCHING &&
               store_is_synced(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE) &&
               store_is_synced(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE) &&
               store_is_synced(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_NODE);
}

bool api_fixture_is_disconnected(ApiFixture *fixture) {
        return fixture->state == API_STATE_DISCONNECTED;
}

void api_fixture_expect_watching(ApiFixture *fixture, unsigned seconds) {
        ApiServerStatus status;

        if (api_fixture_run(fixture, api_fixture_is_watching, seconds))
                return;
        api_server_status(fixture->client, &status);
        fail_msg("state %s: %s", api_state_to_string(status.state), status.error);
}

const Service *api_fixture_service(const ApiFixture *fixture, const char *name) {
        ServiceEntry *entry = store_find(fixture->store, "default", name);

        return entry ? service_entry_object(entry) : NULL;
}

size_t api_fixture_n_endpoints(const ApiFixture *fixture, const char *name) {
        ServiceEntry *entry = store_find(fixture->store, "default", name);
        size_t n = 0;

        for (SliceEntry *slice = entry ? entry->slices : NULL; slice; slice = slice->next_of_service)
                n += slice_entry_object(slice)->n_endpoints;
        return n;
}
