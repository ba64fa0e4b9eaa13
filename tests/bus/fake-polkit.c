/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bus/fake-polkit.h"

#include <stdio.h>

#include "tests/unit/test.h"

static int check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *kind, *key, *value, *action;
        FakePolkit *fake = userdata;
        bool interactive;
        uint32_t flags;

        assert_true(sd_bus_message_read(m, "(sa{sv})s", &kind, 1, &key, "s", &value, &action) >= 0);
        assert_string_equal(kind, "system-bus-name");
        assert_string_equal(key, "name");
        fake->n_asked++;
        (void) snprintf(fake->action, sizeof(fake->action), "%s", action);
        (void) snprintf(fake->sender, sizeof(fake->sender), "%s", value);
        fake->details[0] = '\0';
        assert_true(sd_bus_message_enter_container(m, 'a', "{ss}") >= 0);
        while (sd_bus_message_read(m, "{ss}", &key, &value) > 0)
                (void) snprintf(fake->details + strlen(fake->details),
                                sizeof(fake->details) - strlen(fake->details),
                                "%s=%s ",
                                key,
                                value);
        assert_true(sd_bus_message_exit_container(m) >= 0);
        assert_true(sd_bus_message_read(m, "us", &flags, &value) >= 0);
        interactive = flags & 1;
        switch (fake->mode) {
        case FAKE_POLKIT_LIST:
                return sd_bus_reply_method_return(
                        m, "(bba{ss})", fake->allowed && strcmp(fake->allowed, action) == 0, false, 0);
        case FAKE_POLKIT_CHALLENGE:
                return sd_bus_reply_method_return(m, "(bba{ss})", interactive, !interactive, 0);
        case FAKE_POLKIT_HANG:
                assert_true(fake->n_kept < ELEMENTSOF(fake->kept));
                fake->kept[fake->n_kept++] = sd_bus_message_ref(m);
                return 1;
        case FAKE_POLKIT_LIE:
                return sd_bus_reply_method_return(m, "(bb)", true, false);
        case FAKE_POLKIT_ERROR:
                break;
        }
        return sd_bus_error_set(error, "org.freedesktop.PolicyKit1.Error.Failed", "No.");
}

static int cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakePolkit *fake = userdata;

        fake->n_cancelled++;
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable fake_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", check, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("CancelCheckAuthorization", "s", "", cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

void fake_polkit_open(FakePolkit *fake, sd_bus *bus) {
        *fake = (FakePolkit) { .bus = bus };
        assert_true(sd_bus_add_object_vtable(bus,
                                             NULL,
                                             "/org/freedesktop/PolicyKit1/Authority",
                                             "org.freedesktop.PolicyKit1.Authority",
                                             fake_vtable,
                                             fake) >= 0);
        assert_true(sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0) >= 0);
}

void fake_polkit_answer(FakePolkit *fake, bool yes) {
        for (size_t i = 0; i < fake->n_kept; i++) {
                (void) sd_bus_reply_method_return(fake->kept[i], "(bba{ss})", yes, false, 0);
                (void) sd_bus_message_unref(fake->kept[i]);
        }
        fake->n_kept = 0;
}

void fake_polkit_close(FakePolkit *fake) {
        for (size_t i = 0; i < fake->n_kept; i++)
                (void) sd_bus_message_unref(fake->kept[i]);
        (void) sd_bus_flush_close_unref(fake->bus);
}
