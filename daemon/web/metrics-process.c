/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/metrics-process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/macros.h"

static void closefp(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static uint64_t timeval_usec(struct timeval value) {
        return (uint64_t) value.tv_sec * USEC_PER_SEC + (uint64_t) value.tv_usec;
}

static void read_memory(ProcessNumbers *numbers) {
        _cleanup_(closefp) FILE *file = fopen("/proc/self/statm", "re");
        uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE), total, resident;

        if (!file || fscanf(file, "%" SCNu64 " %" SCNu64, &total, &resident) != 2)
                return;
        numbers->virtual_bytes = total * page;
        numbers->resident_bytes = resident * page;
}

static void read_descriptors(ProcessNumbers *numbers) {
        struct rlimit limit;
        DIR *directory = opendir("/proc/self/fd");

        if (directory) {
                while (readdir(directory))
                        numbers->open_fds++;
                (void) closedir(directory);
                numbers->open_fds -= MIN2(numbers->open_fds, (uint64_t) 3); /* ".", ".." and the directory's own */
        }
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
                numbers->max_fds = limit.rlim_cur;
}

/* Field 22 of /proc/self/stat, in ticks since boot; the name in field 2 may hold anything, also ')'. */
static void read_start(ProcessNumbers *numbers) {
        _cleanup_(closefp) FILE *file = fopen("/proc/self/stat", "re");
        uint64_t ticks = (uint64_t) sysconf(_SC_CLK_TCK), start;
        struct timespec real, boot;
        char line[1024], *rest;

        if (!file || ticks == 0 || !fgets(line, sizeof(line), file))
                return;
        rest = strrchr(line, ')');
        if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64, &start) != 1 ||
            clock_gettime(CLOCK_REALTIME, &real) < 0 || clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
                return;
        numbers->start_usec = (uint64_t) (real.tv_sec - boot.tv_sec) * USEC_PER_SEC + start * USEC_PER_SEC / ticks;
}

void process_numbers_read(ProcessNumbers *ret) {
        struct rusage usage;

        *ret = (ProcessNumbers) {};
        if (getrusage(RUSAGE_SELF, &usage) == 0)
                ret->cpu_usec = timeval_usec(usage.ru_utime) + timeval_usec(usage.ru_stime);
        read_memory(ret);
        read_descriptors(ret);
        read_start(ret);
}
