/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explain: why an address does what it does, as JSON in the order of a packet. */
#include <errno.h>

#include "bus/arguments.h"
#include "bus/describe.h"
#include "common/bus-names.h"

static int explain_line(const Difference *difference, void *userdata) {
        describe_difference(userdata, difference);
        return 0;
}

static const char *const filter_sentences[_FILTER_SET_MAX] = {
        [FILTER_SET_SERVICE_IPS] = "other ports of this address are refused",
        [FILTER_SET_PING_IPS] = "the address answers ping",
        [FILTER_SET_SERVICE_PORTS] = "this port of the address is open",
        [FILTER_SET_CLUSTER_PORTS] = "what does not come from a pod of this node is masqueraded",
        [FILTER_SET_EXTERNAL_PORTS] = "what comes from outside is masqueraded",
        [FILTER_SET_NO_ENDPOINTS] = "connections are refused: no endpoint can be used",
        [FILTER_SET_LOCAL_ONLY] = "what comes from outside is dropped: no endpoint is on this node",
        [FILTER_SET_FIREWALLED] = "only sources in loadBalancerSourceRanges pass",
};

/* What becomes of its packets around IPVS, by the sets of the filter it is in. */
static void explain_filter(const Bus *bus, Json *json, const PortServer *server) {
        const VirtualServerKey *key = &server->claim.wanted.key;

        json_open(json, "filter", '[');
        for (FilterSet set = 0; set < _FILTER_SET_MAX; set++) {
                const FilterSetType *type = filter_set_type(set);
                FilterElement element = { .set = (uint8_t) set, .addr = key->addr };
                const ElementState *state;

                if (type->has_source || !filter_sentences[set])
                        continue;
                if (type->has_port) {
                        element.protocol = key->protocol;
                        element.port = key->port;
                }
                state = kernel_table_element(manager_table(bus->manager), &element);
                if (state && state->present)
                        json_text(json, NULL, filter_sentences[set]);
        }
        json_close(json, '[');
}

static int explain_rows(Bus *bus, Json *json, const DesiredPort *port, const PortServer *server) {
        _cleanup_(freep) ExplainedEndpoint *rows = NULL;
        char address[IP_ADDR_STRLEN];
        size_t n = 0;
        int r = explain_endpoints(bus->manager, port, server, &rows, &n);

        if (r < 0)
                return r;
        json_open(json, "endpoints", '[');
        for (size_t i = 0; i < MIN2(n, (size_t) DESCRIBE_ENDPOINTS_MAX); i++) {
                json_open(json, NULL, '{');
                json_text(json, "address", ip_addr_format(&rows[i].addr.addr, address));
                json_number(json, "port", rows[i].addr.port);
                json_boolean(json, "used", rows[i].wanted);
                json_text(json, "why", rows[i].override ? "overridden" : endpoint_use_to_string(rows[i].use));
                json_text(json, "node", rows[i].node);
                json_text(json, "zone", rows[i].zone);
                json_boolean(json, "local", rows[i].local);
                json_boolean(json, "present", rows[i].present);
                json_number(json, "weight", rows[i].weight);
                if (rows[i].override)
                        json_text(json, "override", rows[i].override->reason);
                json_close(json, '{');
        }
        json_close(json, '[');
        if (n > DESCRIBE_ENDPOINTS_MAX)
                json_boolean(json, "truncated", true);
        return 0;
}

static int explain_document(Bus *bus, Json *json, const DesiredPort *port, const PortServer *server) {
        char address[IP_ADDR_STRLEN];
        int r;

        r = service_view_fill(&bus->view, bus->manager, port);
        if (r < 0)
                return r;
        json_open(json, NULL, '{');
        json_text(json, "address", ip_addr_format(&server->claim.wanted.key.addr, address));
        json_number(json, "port", server->claim.wanted.key.port);
        json_text(json, "protocol", bus->view.protocol);
        json_text(json, "kind", address_kind_to_string(server->kind));
        json_open(json, "service", '{');
        describe_view(json, &bus->view);
        json_close(json, '{');
        json_boolean(json, "bound", server->bound);
        json_boolean(json, "clusterStandsIn", server->stands_in);
        json_boolean(json, "sourceRanges", server->firewalled);
        if (port_server_refusal(server) != REFUSAL_NONE)
                json_text(json, "refused", refusal_reason_to_string(port_server_refusal(server)));
        describe_listener(bus, json, port, server);
        explain_filter(bus, json, server);
        json_open(json, "kernel", '{');
        describe_kernel(json, server->claim.server);
        json_close(json, '{');
        r = explain_rows(bus, json, port, server);
        json_open(json, "difference", '[');
        if (r >= 0)
                r = differences_of_server(server->claim.server, explain_line, json);
        json_close(json, '[');
        json_close(json, '{');
        return r;
}

int bus_explain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *text = NULL;
        const char *address, *protocol_name;
        VirtualServerKey key = {};
        const PortServer *server;
        const DesiredPort *port;
        Bus *bus = userdata;
        size_t size = 0;
        Protocol protocol;
        Json json = {};
        int r;

        r = sd_bus_message_read(m, "sqs", &address, &key.port, &protocol_name);
        if (r >= 0)
                r = argument_address(address, &key.addr, error);
        if (r >= 0)
                r = argument_protocol(protocol_name, &protocol, error);
        if (r >= 0)
                r = argument_options(m, NULL, 0, NULL, error);
        if (r < 0)
                return r;
        key.protocol = (uint8_t) protocol;
        port = desired_port_at(manager_table(bus->manager), &key, &server);
        if (!port || !utf8_is_valid(port->id))
                return bus_error_not_found(
                        bus, error, "No service has the address %s and the %s port %u.", address, protocol_to_kube(protocol), key.port);
        json.out = open_memstream(&text, &size);
        if (!json.out)
                return -ENOMEM;
        r = describe_reply(m, json.out, &text, explain_document(bus, &json, port, server));
        bus_charge(bus, m, size, size / 100);
        return r;
}
