/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/clock.h"

#include <time.h>

#include "common/clock.h"

uint64_t clock_real_usec(void) {
        return clock_now_usec(CLOCK_REALTIME);
}

uint64_t clock_monotonic_usec(void) {
        return clock_now_usec(CLOCK_MONOTONIC);
}

const char *clock_ago(uint64_t usec, char buf[static TEXT_NUMBER_MAX]) {
        uint64_t real = clock_real_usec();
        char duration[TEXT_NUMBER_MAX];

        if (usec == 0)
                return "never";
        (void) text_duration(real > usec ? real - usec : 0, duration);
        (void) snprintf(buf, TEXT_NUMBER_MAX, "%.20s ago", duration);
        return buf;
}

const char *clock_left(uint64_t usec, char buf[static TEXT_NUMBER_MAX]) {
        uint64_t real = clock_real_usec();

        return text_duration(usec > real ? usec - real : 0, buf);
}

static void broken_down(uint64_t usec, struct tm *ret) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);

        *ret = (struct tm){ 0 };
        (void) localtime_r(&seconds, ret);
}

const char *clock_of_day(uint64_t usec, char buf[static TEXT_NUMBER_MAX]) {
        struct tm tm;

        broken_down(usec, &tm);
        (void) snprintf(buf, TEXT_NUMBER_MAX, "%02u:%02u:%02u.%03u", (unsigned) tm.tm_hour % 100,
                        (unsigned) tm.tm_min % 100, (unsigned) tm.tm_sec % 100,
                        (unsigned) (usec % USEC_PER_SEC / USEC_PER_MSEC));
        return buf;
}

const char *clock_date(uint64_t usec, char buf[static TEXT_DATE_MAX]) {
        struct tm tm;

        broken_down(usec, &tm);
        if (strftime(buf, TEXT_DATE_MAX, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                buf[0] = '\0';
        return buf;
}
