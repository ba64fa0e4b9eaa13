/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/conditions.h"

#include <stddef.h>
#include <string.h>

#include "common/macros.h"

/* What to do about a condition that is not true, by its reason; NULL is for every reason. */
static const struct {
        const char *type, *reason, *remedy;
} remedy_table[] = {
        { "KernelReady", "Starting", "wait a moment: the kernel is being read" },
        { "KernelReady", NULL, "\"ipvsproxyctl doctor\" tells what the kernel lacks" },
        { "ApiReachable", "Connecting", "wait a moment, then \"ipvsproxyctl doctor\"" },
        { "ApiReachable", "Listing", "wait: the first lists are being read" },
        { "ApiReachable", NULL,
          "what is programmed stays; see whether the API server answers: \"ipvsproxyctl doctor\", "
          "\"journalctl -u ipvsproxyd\"" },
        { "Programmed", "Syncing", "wait: the first sync is not done" },
        { "Programmed", NULL,
          "it is tried again by itself; \"ipvsproxyctl list --state=degraded\" names the "
          "services" },
        { "NodePortsFree", NULL,
          "processes listen where services have their node ports, and are no longer reached there: "
          "\"journalctl -u ipvsproxyd\" and \"ipvsproxyctl list\" name them" },
        { "NodeKnown", NULL,
          "services work without it, but for policies and hints that ask where this node is; see whether it may read "
          "its Node: \"kubectl auth can-i get nodes\"" },
        { "ObjectsUnderstood", NULL,
          "the last good version of each stays at work; \"journalctl -u ipvsproxyd\" names all of them" },
        { "ManifestsRead", NULL, "what the file last had stays at work; mend it, it is read again at once" },
        { "ForwardAllowed", NULL,
          "this chain has to accept answers of pods: \"iptables -A FORWARD -m conntrack --ctstate "
          "RELATED,ESTABLISHED -j ACCEPT\", unless a rule does already" },
        { "AddressesServed", NULL, "\"ipvsproxyctl list --state=refused\" names the services" },
};

const char *condition_remedy(const char *type, const char *reason) {
        for (size_t i = 0; i < ELEMENTSOF(remedy_table); i++)
                if (strcmp(remedy_table[i].type, type) == 0 &&
                    (!remedy_table[i].reason || strcmp(remedy_table[i].reason, reason) == 0))
                        return remedy_table[i].remedy;
        return "\"ipvsproxyctl doctor\" may tell more";
}
