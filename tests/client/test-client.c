/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every command of ipvsproxyctl: what it prints as text and as JSON, what it says on stderr, how it
 * exits. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CLIENT "./ipvsproxyctl"
#define FAKE "tests/client/fake-daemon"
#define WORDS_MAX 12
#define OUTPUT_MAX 16384

static const char bus_config[] =
        "<busconfig><type>session</type><listen>unix:dir=%s</listen><auth>EXTERNAL</auth>"
        "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow "
        "eavesdrop=\"true\"/>"
        "<allow own=\"*\"/></policy></busconfig>\n";

/* The private bus and the daemon on it. */
typedef struct Bench {
        char folder[32], address[256];
        pid_t bus, fake; /* 0 = not running */
} Bench;

typedef struct Case {
        const char *line; /* words separated by spaces */
        int code;
        const char *out, *err; /* NULL = not looked at */
} Case;

typedef struct Output {
        int code; /* 128 + n for signal n */
        char out[OUTPUT_MAX], err[OUTPUT_MAX];
} Output;

static pid_t start(const char *const words[], char *first_line, size_t size) {
        int fds[2];
        pid_t pid;
        FILE *f;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(fds[1], STDOUT_FILENO);
                (void) execvp(words[0], (char *const *) (uintptr_t) words);
                _exit(127);
        }
        (void) close(fds[1]);
        f = fdopen(fds[0], "r");
        assert_non_null(f);
        assert_non_null(fgets(first_line, (int) size, f));
        first_line[strcspn(first_line, "\n")] = '\0';
        (void) fclose(f);
        return pid;
}

static void stop(pid_t *pid) {
        if (*pid <= 0)
                return;
        (void) kill(*pid, SIGKILL);
        (void) waitpid(*pid, NULL, 0);
        *pid = 0;
}

static void fake_start(Bench *bench, const char *state, const char *msec) {
        const char *words[] = { FAKE, bench->address, state, msec, NULL };
        char ready[16] = "";

        stop(&bench->fake);
        bench->fake = start(words, ready, sizeof(ready));
        assert_string_equal(ready, "ready");
}

static int bench_open(void **state) {
        static Bench bench;
        char file[64], option[96];
        const char *words[] = { "dbus-daemon", "--nofork", "--print-address=1", option, NULL };
        FILE *f;

        bench = (Bench){ .folder = "/tmp/test-client.XXXXXX" };
        assert_non_null(mkdtemp(bench.folder));
        (void) snprintf(file, sizeof(file), "%s/bus.conf", bench.folder);
        (void) snprintf(option, sizeof(option), "--config-file=%s", file);
        f = fopen(file, "we");
        assert_non_null(f);
        assert_true(fprintf(f, bus_config, bench.folder) > 0);
        assert_int_equal(fclose(f), 0);
        bench.bus = start(words, bench.address, sizeof(bench.address));
        fake_start(&bench, "running", NULL);
        *state = &bench;
        return 0;
}

static int bench_close(void **state) {
        const char *words[] = { "rm", "-rf", NULL, NULL };
        Bench *bench = *state;
        pid_t pid;

        stop(&bench->fake);
        stop(&bench->bus);
        words[2] = bench->folder;
        pid = fork();
        if (pid == 0) {
                (void) execvp(words[0], (char *const *) (uintptr_t) words);
                _exit(127);
        }
        (void) waitpid(pid, NULL, 0);
        return 0;
}

static void slurp(int fd, char text[static OUTPUT_MAX]) {
        ssize_t n;

        assert_true(lseek(fd, 0, SEEK_SET) == 0);
        n = read(fd, text, OUTPUT_MAX - 1);
        assert_true(n >= 0);
        text[n] = '\0';
        (void) close(fd);
}

static void run(const Bench *bench, const char *line, Output *ret) {
        char copy[512], address[300], *words[WORDS_MAX], *save = NULL;
        int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC),
            status = 0;
        size_t n = 0;
        pid_t pid;

        (void) snprintf(copy, sizeof(copy), "%s", line);
        (void) snprintf(address, sizeof(address), "--address=%s", bench->address);
        words[n++] = (char[]){ CLIENT };
        words[n++] = address;
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                assert_true(n + 1 < WORDS_MAX);
                words[n++] = strcmp(word, "''") == 0 ? word + 2 : word;
        }
        words[n] = NULL;
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(out, STDOUT_FILENO);
                (void) dup2(err, STDERR_FILENO);
                (void) execv(CLIENT, words);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        slurp(out, ret->out);
        slurp(err, ret->err);
}

static void test_one(const Bench *bench, const Case *c) {
        static Output got;

        run(bench, c->line, &got);
        if (got.code != c->code || (c->out && strcmp(got.out, c->out) != 0) ||
            (c->err && strcmp(got.err, c->err) != 0))
                fail_msg("\"%s\" exits with %i, wanted %i\n-- stdout\n%s-- wanted\n%s-- "
                         "stderr\n%s-- wanted\n%s",
                         c->line, got.code, c->code, got.out, c->out ? c->out : "", got.err,
                         c->err ? c->err : "");
}

static void test_cases(const Bench *bench, const Case cases[], size_t n) {
        for (size_t i = 0; i < n; i++)
                test_one(bench, &cases[i]);
}

#define TEST_CASES(bench, cases) test_cases(bench, cases, ELEMENTSOF(cases))

static void test_list(void **state) {
        static const Case cases[] = {
                { "list -n shop", 0,
                  "SERVICE          PROTO  PORT  STATE     READY  TOTAL  VIRTUAL  ADDRESSES\n"
                  "shop/cart:http   TCP      80  synced       12     12        1  10.96.4.7\n"
                  "shop/db          TCP    5432  degraded      0      3        1  10.96.4.9\n"
                  "shop/edge:https  TCP     443  refused       8      8        1  fd00::b\n"
                  "3 services listed.\n",
                  "" },
                { "list --no-legend -o name", 0,
                  "default/kubernetes:https\nkube-system/kube-dns:dns\nkube-system/"
                  "kube-dns:dns-tcp\n"
                  "shop/cart:http\nshop/db\nshop/edge:https\nzoo/e\\x1b[31mvil\\u202e\n",
                  "" },
                { "list -o name cart d*", 0, "shop/cart:http\nshop/db\n", "" },
                { "list -o name shop/*", 0, "shop/cart:http\nshop/db\nshop/edge:https\n", "" },
                { "list -o name shop/cart */kubernetes", 0,
                  "default/kubernetes:https\nshop/cart:http\n", "" },
                { "list -o name *:https", 0, "default/kubernetes:https\nshop/edge:https\n", "" },
                { "list -o name --state=refused", 0, "shop/edge:https\n", "" },
                { "list -o name --protocol=udp", 0, "kube-system/kube-dns:dns\n", "" },
                { "list -n none", 0, "0 services listed.\n", "" },
                { "list -n none --json=short", 0, "[]\n", "" },
                { "list -q --no-legend -w shop/db", 0,
                  "shop/db  TCP  5432  degraded  0  3  1  48211  10.96.4.9\n", "" },
                { "list shop/cart --json=short", 0,
                  "[{\"path\":\"/org/k8s/IpvsProxy/service/shop_2fcart_3ahttp\",\"id\":\"shop/"
                  "cart:http\","
                  "\"namespace\":\"shop\",\"name\":\"cart\",\"portName\":\"http\",\"protocol\":"
                  "\"tcp\",\"port\":80,"
                  "\"state\":\"synced\",\"endpointsReady\":12,\"endpointsTotal\":12,"
                  "\"virtualServers\":1,"
                  "\"programmedGeneration\":48211,\"addresses\":[\"10.96.4.7\"]}]\n",
                  "" },
        };

        TEST_CASES(*state, cases);
}

static void test_find(void **state) {
        static const Case cases[] = {
                { "find 10.96.0.10 -o name", 0,
                  "kube-system/kube-dns:dns\nkube-system/kube-dns:dns-tcp\n", "" },
                { "find 10.96.0.10:53 -o name", 0,
                  "kube-system/kube-dns:dns-tcp\nkube-system/kube-dns:dns\n", "" },
                { "find 10.96.0.10:53/UDP", 0,
                  "SERVICE                   PROTO  PORT  STATE   READY  TOTAL  VIRTUAL\n"
                  "kube-system/kube-dns:dns  UDP      53  synced      2      2        1\n1 service "
                  "listed.\n",
                  "" },
                { "find [fd00::0b]:443/tcp -o name", 0, "shop/edge:https\n", "" },
                { "find fd00::b -o name", 0, "shop/edge:https\n", "" },
                { "find 10.96.4.9:5432 --json=short", 0,
                  "[{\"path\":\"/org/k8s/IpvsProxy/service/shop_2fdb\",\"id\":\"shop/"
                  "db\",\"namespace\":\"shop\","
                  "\"name\":\"db\",\"portName\":\"\",\"protocol\":\"tcp\",\"port\":5432,\"state\":"
                  "\"degraded\","
                  "\"endpointsReady\":0,\"endpointsTotal\":3,\"programmedGeneration\":48211,"
                  "\"virtualServers\":1}]\n",
                  "" },
                { "find 10.96.0.10:54", 4, "",
                  "Failed to find the service of 10.96.0.10 port 54: No service has 10.96.0.10 "
                  "port 54.\n" },
                { "find 10.9.9.9", 4, "",
                  "Failed to find the service of 10.9.9.9: No service has this address.\n" },
                { "find 10.96.0.10:53/quic", 1, "",
                  "Failed to find the service of 10.96.0.10: Bad protocol \"quic\".\n" },
                { "find fd00::b:443/tcp", 2, "", NULL },
                { "find shop/cart", 2, "", NULL },
                { "find", 2, "", "Usage: ipvsproxyctl find ADDRESS[:PORT[/PROTOCOL]]\n" },
        };

        TEST_CASES(*state, cases);
}

static void test_status(void **state) {
        static const Case cases[] = {
                { "", 0,
                  "\xe2\x97\x8f ipvsproxyd on node-17: running\n"
                  "       Version: 1.0.0\n"
                  "    API server: watching, last event 3h ago\n"
                  "      Services: 7 ports, 7 virtual servers, 7 endpoints\n"
                  "    Generation: 48211 (0 pending)\n"
                  "     Last sync: 3h ago, took 14ms; 77 so far, 1 failed\n"
                  "         Drift: 2 repaired\n"
                  "       Refused: 1, see \"ipvsproxyctl list --state=refused\"\n"
                  "        Kernel: ip_vs, nf_tables\n"
                  "           not: sctp (Module missing)\n"
                  "    Conditions: KernelReady\n"
                  "           not: ApiReachable (Timeout)\n",
                  "" },
                { "status shop/edge", 6,
                  "\xe2\x97\x8f shop/edge:https: refused\n"
                  "        Reason: NodeAddress\n"
                  "          Type: cluster-ip, tcp port 443\n"
                  "     Scheduler: rr\n"
                  "      Affinity: 3h\n"
                  "        Policy: Cluster inside\n"
                  "     Endpoints: 8 of 8 ready, 0 draining, 0 on this node\n"
                  "     Addresses: [fd00::b]:443 (cluster-ip)\n"
                  "       Refused: 192.0.2.9 (NodeAddress)\n"
                  "    Programmed: never, generation 48211\n",
                  "" },
                { "status kubernetes:https -q", 0, "", "" },
                { "status -n shop cart -q", 0, "", "" },
                { "status --color=always -q", 0, "", "" },
                { "status shop/none", 4, "",
                  "Failed to find shop/none: There is no service \"shop/none\".\n" },
                { "status hang:x --timeout=200ms", 7, "", NULL },
                { "status kube-system/kube-dns", 2, "",
                  "\"kube-system/kube-dns\" has several ports; say which:\n"
                  "  kube-system/kube-dns:dns\n  kube-system/kube-dns:dns-tcp\n" },
        };

        TEST_CASES(*state, cases);
}

static void test_show(void **state) {
        static const Case cases[] = {
                { "show -p State,IpFamilies,Conditions", 0,
                  "State=running\nIpFamilies=ipv4, ipv6\n"
                  "Conditions=type=KernelReady status=true sinceUSec=5 reason=, "
                  "type=ApiReachable status=false sinceUSec=6 reason=Timeout\n",
                  "" },
                { "show --value -p Generation", 0, "48211\n", "" },
                { "show -p Statistics --json=short", 0,
                  "{\"statistics\":{\"connections\":7,\"inBytes\":18446744073709551615}}\n", "" },
                { "show -p Capabilities --json=short", 0,
                  "{\"capabilities\":[{\"name\":\"ip_vs\",\"value\":\"yes\",\"reason\":\"\"},"
                  "{\"name\":\"nf_tables\",\"value\":\"yes\",\"reason\":\"\"},"
                  "{\"name\":\"sctp\",\"value\":\"no\",\"reason\":\"Module missing\"}]}\n",
                  "" },
                { "show shop/db -p Id,Port,VirtualServers,RefusedAddresses --json=short", 0,
                  "{\"id\":\"shop/db\",\"port\":5432,\"virtualServers\":[{\"kind\":\"cluster-ip\","
                  "\"address\":\"10.96.4.9\",\"port\":5432,\"fwmark\":0}],"
                  "\"refusedAddresses\":[{\"address\":\"192.0.2.9\",\"reason\":\"NodeAddress\"}]}"
                  "\n",
                  "" },
                { "show shop/db -p Colour", 1, "", NULL },
                { "show a b", 2, "", "Usage: ipvsproxyctl show [SERVICE]\n" },
        };
        static Output got;

        TEST_CASES(*state, cases);
        run(*state, "show", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "Version=1.0.0\n"));
        assert_non_null(strstr(got.out, "LastSyncDurationUSec=14321\n"));
        assert_null(strstr(got.out, "Statistics="));
}

static void test_endpoints(void **state) {
        static const Case cases[] = {
                { "endpoints shop/cart", 0,
                  "ADDRESS    PORT  STATE     WEIGHT  ACTIVE  INACTIVE  NODE     POD           "
                  "DRAINS FOR\n"
                  "10.1.4.12  8080  ready          1     183        12  node-04  cart-6f7-x2x  -\n"
                  "10.1.9.30  8080  draining       0      17         0  node-09  cart-6f7-q8k  2h\n"
                  "2 endpoints listed.\n",
                  "" },
                { "endpoints zoo/none", 4, "", NULL },
                { "endpoints", 2, "", NULL },
        };
        static Output got;

        TEST_CASES(*state, cases);
        run(*state, "endpoints shop/cart:http --json=short", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(
                got.out, "[{\"address\":\"10.1.4.12\",\"port\":8080,\"state\":\"ready\",\"node\":"
                         "\"node-04\","
                         "\"weight\":1,\"active\":183,\"inactive\":12,\"pod\":\"cart-6f7-x2x\"},"));
        assert_non_null(strstr(got.out, "\"drainDeadlineUSec\":"));
}

static void test_stats(void **state) {
        static const Case cases[] = {
                { "stats shop/cart", 0,
                  "SERVICE         CONNS  IN PKTS  OUT PKTS  IN BYTES  OUT BYTES  ACTIVE  "
                  "INACTIVE\n"
                  "shop/cart:http   4.0k    10.0k      9.6k      4.9M      58.8M     200        "
                  "12\n"
                  "1 service listed.\n",
                  "" },
                { "stats shop/cart:http --rate -q", 0,
                  "SERVICE          CPS  IN PKT/s  OUT PKT/s      IN      OUT  ACTIVE  INACTIVE\n"
                  "shop/cart:http  1.6k     36.4k      35.2k  4.8M/s  58.8M/s     200        12\n",
                  "" },
                { "stats --exact --no-legend kubernetes", 0,
                  "default/kubernetes:https  1000  2500  2400  1234567  18446744073709551615  200  "
                  "12\n",
                  "" },
                { "stats default/kubernetes --json=short", 0,
                  "[{\"id\":\"default/"
                  "kubernetes:https\",\"connections\":1000,\"inPackets\":2500,\"outPackets\":2400,"
                  "\"inBytes\":1234567,\"outBytes\":18446744073709551615,\"connectionsPerSec\":412,"
                  "\"inPacketsPerSec\":9100,\"outPacketsPerSec\":8800,\"inBytesPerSec\":1200000,"
                  "\"outBytesPerSec\":14700000,\"active\":200,\"inactive\":12}]\n",
                  "" },
        };
        static Output got;

        TEST_CASES(*state, cases);
        run(*state, "stats", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "6 services listed.\n"));
}

static void test_resync(void **state) {
        static const Case cases[] = {
                { "resync", 0, "Resynced everything: generation 48210.\n", "" },
                { "resync --full", 0, "Resynced everything: generation 48211.\n", "" },
                { "resync --full --no-block", 0, "Asked to resync everything: generation 48213.\n",
                  "" },
                { "resync -q shop/cart", 0, "", "" },
                { "resync shop/cart kubernetes:https", 0,
                  "Resynced shop/cart:http: generation 48210.\nResynced default/kubernetes:https: "
                  "generation 48210.\n",
                  "" },
                { "resync --json=short shop/cart", 0,
                  "[{\"id\":\"shop/cart:http\",\"generation\":48210}]\n", "" },
                { "resync --json=short", 0, "[{\"id\":null,\"generation\":48210}]\n", "" },
                { "resync shop/db shop/cart", 6, "Resynced shop/cart:http: generation 48210.\n",
                  "Failed to resync shop/db: Cannot\\nprogram 10.96.4.9.\n" },
                { "resync shop/edge", 5, "",
                  "Failed to resync shop/edge:https: Interactive authentication required.\n" },
                { "resync --no-ask-password shop/edge", 5, "",
                  "Failed to resync shop/edge:https: Interactive authentication required.\n" },
                { "resync shop/none", 4, "", NULL },
        };

        TEST_CASES(*state, cases);
}

static void test_log_level(void **state) {
        static const Case cases[] = {
                { "log-level", 0, "info\n", "" },
                { "log-level debug", 0, "", "" },
                { "log-level --json=short", 0, "{\"logLevel\":\"debug\"}\n", "" },
                { "log-level loud", 2, "", NULL },
                { "log-level emerg", 5, "", "Failed to set the log level: Only root may.\n" },
        };

        TEST_CASES(*state, cases);
}

static void test_usage(void **state) {
        static const Case cases[] = {
                { "dance", 2, "",
                  "Unknown command \"dance\"; \"ipvsproxyctl help\" lists them.\n" },
                { "lis", 2, "", NULL },
                { "list --exact", 2, "", "Option --exact is not for \"list\".\n" },
                { "list --json=xml", 2, "", "Bad value for --json: \"xml\"\n" },
                { "list --what", 2, "", NULL },
                { "list --timeout=0", 2, "", NULL },
                { "wait --for=rain", 2, "",
                  "Bad condition \"rain\": it is \"running\" or \"generation=N\".\n" },
                { "help dance", 2, "", NULL },
                { "status -- -x", 4, "", NULL },
                { "version", 0, NULL, "" },
                { "--version list", 0, NULL, "" },
                { "list --help", 0, NULL, "" },
        };
        static Output got;

        TEST_CASES(*state, cases);
        run(*state, "help", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "\n  resync [SERVICE...]"));
        assert_non_null(strstr(got.out, "--no-ask-password"));
        assert_null(strstr(got.out, "complete"));
        assert_null(strstr(got.out, "--exact"));
        run(*state, "stats -h", &got);
        assert_non_null(strstr(got.out, "--exact"));
}

static void test_complete(void **state) {
        static const Case cases[] = {
                { "complete -- st", 0, "status\nstats\n", "" },
                { "complete -- endpoints shop/", 0, "shop/cart:http\nshop/db\nshop/edge:https\n",
                  "" },
                { "complete -- endpoints kube", 0,
                  "kube-system/kube-dns:dns\nkube-system/kube-dns:dns-tcp\n", "" },
                { "complete -- list --st", 0, "--state=\n", "" },
                { "complete -- stats --state", 0, "", "" },
                { "complete -- list --state=re", 0, "--state=refused\n--state=removing\n", "" },
                { "complete -- log-level e", 0, "emerg\nerr\n", "" },
                { "complete -- help res", 0, "resync\n", "" },
        };

        TEST_CASES(*state, cases);
}

/* A daemon that is not well, is not there, and comes. */
static void test_states(void **state) {
        static const Case syncing[] = {
                { "status -q", 6, "", "" },
                { "stats", 6, "", "Failed to get statistics: The first list is not complete.\n" },
                { "wait --timeout=300ms", 7, "", "Failed to wait for running: Time is up.\n" },
                { "wait --for=generation=48211", 0, "", "" },
                { "wait --for=generation=48212 --timeout=300ms", 7, "", NULL },
        };
        static const Case gone[] = {
                { "status", 3, "",
                  "Failed to get the state of ipvsproxyd: ipvsproxyd is not running (\"systemctl "
                  "status ipvsproxyd\" may tell why)\n" },
                { "list", 3, "", NULL },
                { "resync", 3, "", NULL },
                { "log-level", 3, "", NULL },
                { "complete -- endpoints shop/", 0, "", "" },
                { "wait --timeout=300ms", 7, "", NULL },
        };
        static const Case comes = { "wait --timeout=20", 0, "", "" };
        Bench *bench = *state;

        fake_start(bench, "syncing", NULL);
        TEST_CASES(bench, syncing);
        fake_start(bench, "syncing", "300");
        test_one(bench, &comes);
        stop(&bench->fake);
        TEST_CASES(bench, gone);
        fake_start(bench, "running", NULL);
}

static void test_no_bus(void **state) {
        static const Bench bench = { .address = "unix:path=/nonexistent" };
        static const Case cases[] = {
                { "status", 1, "", "Failed to connect to the bus: No such file or directory\n" },
                { "help", 0, NULL, "" },
                { "complete -- show a", 0, "", "" },
        };

        TEST_CASES(&bench, cases);
}

/* What stdout is decides about colour; a reader that left is no error, a full disk is one. */
static void test_output(void **state) {
        static const char *const script =
                "set -e; ctl() { " CLIENT " --address=\"$BUS\" \"$@\"; }\n"
                "ctl list | grep -q SERVICE; ctl list --color=always | grep -q \"$(printf "
                "'\\033')\"\n"
                "if ctl list | grep -q \"$(printf '\\033')\"; then exit 10; fi\n"
                "ctl list 2>&1 >/dev/full | grep -q 'Failed to write output: No space left on "
                "device'\n"
                "set +e; { ctl list; echo $? >&3; } 3>\"$OUT\" | exec sleep 0\n"
                "sleep 0.2; { sleep 0.1; ctl list 2>&1 >&4; echo $? >&3; } 3>\"$OUT\" 4>&1 | exec "
                "true; test \"$(cat \"$OUT\")\" = 0 || exit 11\n"
                "BUS=unix:path=/nonexistent LC_ALL=C " CLIENT " help >/dev/null || exit 12\n"
                "LC_ALL=C ctl status | head -1 | grep -q '^\\* ipvsproxyd' || exit 13\n";
        const Bench *bench = *state;
        char out[64];
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                (void) snprintf(out, sizeof(out), "%s/out", bench->folder);
                (void) setenv("BUS", bench->address, 1);
                (void) setenv("OUT", out, 1);
                (void) execl("/bin/sh", "sh", "-c", script, (char *) NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* Readline cuts words at ":" and "="; what the function gives back must fit behind that cut. */
static void test_bash(void **state) {
        static const char *const script =
                ". \"$srcdir/completion/bash/ipvsproxyctl\"; PATH=$PWD:$PATH\n"
                "try() { COMP_LINE=$1 COMP_POINT=${#1}; _ipvsproxyctl; test \"${COMPREPLY[*]}\" = "
                "\"$2\" ||\n"
                "        { echo \"$1: ${COMPREPLY[*]}\" >&2; exit 1; }; }\n"
                "try 'ipvsproxyctl st' 'status stats'\n"
                "try 'ipvsproxyctl -q endpoints shop/' 'shop/cart:http shop/db shop/edge:https'\n"
                "try 'ipvsproxyctl endpoints kube-system/kube-dns:d' 'dns dns-tcp'\n"
                "try 'ipvsproxyctl list --state=re' 'refused removing'\n"
                "try 'ipvsproxyctl version ' ''\n";
        const Bench *bench = *state;
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", bench->address, 1);
                (void) setenv("srcdir", ".", 0);
                (void) execlp("bash", "bash", "-c", script, (char *) NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list),      cmocka_unit_test(test_find),
                cmocka_unit_test(test_status),    cmocka_unit_test(test_show),
                cmocka_unit_test(test_endpoints), cmocka_unit_test(test_stats),
                cmocka_unit_test(test_resync),    cmocka_unit_test(test_log_level),
                cmocka_unit_test(test_usage),     cmocka_unit_test(test_complete),
                cmocka_unit_test(test_states),    cmocka_unit_test(test_no_bus),
                cmocka_unit_test(test_output),    cmocka_unit_test(test_bash),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
