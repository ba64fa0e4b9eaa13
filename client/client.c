/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/message-json.h"
#include "client/process.h"
#include "client/report.h"
#include "client/text.h"
#include "common/bus-names.h"
#include "common/parse.h"

#define WIDTH_DEFAULT 80
/* Someone may have to find a password first, and polkit gives 5 minutes for that. */
#define AUTHORISED_TIMEOUT_USEC (6 * 60 * USEC_PER_SEC)
#define INTERFACE_PROPERTIES "org.freedesktop.DBus.Properties"

void client_done(Client *client) {
        agent_close(client->agent);
        pager_close(client->pager);
        client->agent = client->pager = 0;
        client->bus = sd_bus_flush_close_unref(client->bus);
}

static int bus_open(const char *address, sd_bus **ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        if (!address)
                return sd_bus_open_system(ret);
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, 1);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

int client_connect(Client *client) {
        int r;

        if (client->bus)
                return 0;
        r = bus_open(client->options.address, &client->bus);
        if (r < 0)
                return report_bus(NULL, r, "Failed to connect to the %s",
                                  client->options.address ? "bus" : "system bus");
        return 0;
}

int client_reconnect(Client *client) {
        client->bus = sd_bus_close_unref(client->bus);
        return bus_open(client->options.address, &client->bus);
}

static size_t terminal_width(void) {
        struct winsize size = { 0 };
        const char *text = getenv("COLUMNS");
        uint16_t columns;

        if (text && parse_uint16(text, &columns) >= 0 && columns > 0)
                return columns;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                return size.ws_col;
        return WIDTH_DEFAULT;
}

/* $SYSTEMD_COLORS says yes or no (or names a palette: yes), then $NO_COLOR, if not empty, and dumb
 * terminals say no. */
static bool color_by_environment(void) {
        const char *text = getenv("SYSTEMD_COLORS"), *none = getenv("NO_COLOR"),
                   *term = getenv("TERM");
        bool wanted;

        if (text && *text)
                return parse_bool(text, &wanted) < 0
                               ? strcmp(text, "no") != 0 && strcmp(text, "off") != 0
                               : wanted;
        return !(none && *none) && term && strcmp(term, "dumb") != 0;
}

void client_output_begin(Client *client) {
        const Options *options = &client->options;
        bool terminal = isatty(STDOUT_FILENO);

        client->color = options->color == COLOR_MODE_ALWAYS ||
                        (options->color == COLOR_MODE_AUTO && terminal && color_by_environment());
        client->width = terminal && !options->full ? terminal_width() : 0;
}

void client_page(Client *client) {
        if (client->pager == 0 && !client->options.no_pager && isatty(STDOUT_FILENO))
                (void) pager_open(
                        &client->pager); /* without one, output goes straight to the terminal */
}

void client_agent_begin(Client *client) {
        if (client->agent == 0 && !client->options.no_ask_password && geteuid() != 0 &&
            isatty(STDIN_FILENO))
                (void) agent_open(&client->agent); /* polkit then says that nobody could be asked */
}

int client_new_call(Client *client,
                    const char *path,
                    const char *interface,
                    const char *member,
                    sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(client->bus, &call, BUS_NAME, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, client->auto_start);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(
                        call, !client->options.no_ask_password);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

int client_call(Client *client, sd_bus_message *call, sd_bus_error *error, sd_bus_message **ret) {
        return sd_bus_call(client->bus, call, client->options.timeout_usec, error, ret);
}

int client_call_authorised(Client *client,
                           sd_bus_message *call,
                           sd_bus_error *error,
                           sd_bus_message **ret) {
        uint64_t timeout = client->options.timeout_usec;

        client_agent_begin(client);
        return sd_bus_call(client->bus, call, timeout ? timeout : AUTHORISED_TIMEOUT_USEC, error,
                           ret);
}

int client_get_all(Client *client, const char *path, const char *interface, json_object **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = client_new_call(client, path, INTERFACE_PROPERTIES, "GetAll", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", interface);
        if (r < 0)
                return r;
        r = client_call(client, call, &error, &reply);
        if (r < 0)
                return report_bus(&error, r, "Failed to get the state of %s",
                                  strcmp(path, BUS_PATH) == 0 ? "ipvsproxyd" : "the service");
        return json_from_message(reply, NULL, ret);
}

int client_get(Client *client,
               const char *path,
               const char *interface,
               const char *property,
               sd_bus_error *error,
               json_object **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = client_new_call(client, path, INTERFACE_PROPERTIES, "Get", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", interface, property);
        if (r >= 0)
                r = client_call(client, call, error, &reply);
        return r < 0 ? r : json_from_property(reply, property, ret);
}

int client_print_json(Client *client, json_object *document) {
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
        const char *text;
        int r;

        if (client->options.json == JSON_MODE_PRETTY)
                flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
        text = json_object_to_json_string_ext(document, flags);
        if (!text)
                return -ENOMEM;
        client_page(client);
        r = text_write(stdout, text, TEXT_FOR_JSON);
        if (r < 0)
                return r;
        return fputc('\n', stdout) == EOF ? -EIO : 0;
}

int client_print_done(Client *client, const char *format, ...) {
        _cleanup_(json_object_putp) json_object *document = NULL;
        _cleanup_(freep) char *text = NULL;
        va_list ap;
        int r;

        if (client_wants_json(client)) {
                document = json_object_new_object();
                r = document ? json_add(document, "done", json_object_new_boolean(1)) : -ENOMEM;
                return r < 0 ? r : client_print_json(client, document);
        }
        if (client->options.quiet)
                return 0;
        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (!text)
                return -ENOMEM;
        r = text_write(stdout, text, TEXT_FOR_PEOPLE);
        return r < 0 ? r : fputc('\n', stdout) == EOF ? -EIO : 0;
}

int client_print_table(Client *client, const Table *table, size_t n, const char *noun) {
        const Options *options = &client->options;
        int r;

        client_page(client);
        r = table_print(table, stdout, client->width, client->color, !options->no_legend && n > 0);
        if (r < 0 || options->no_legend || options->quiet)
                return r;
        return printf("%zu %s%s listed.\n", n, noun, n == 1 ? "" : "s") < 0 ? -EIO : 0;
}
