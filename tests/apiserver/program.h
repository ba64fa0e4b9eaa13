/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program as its control channel sees it. */
#pragma once

#include "tests/apiserver/api.h"
#include "tests/apiserver/generate.h"
#include "tests/apiserver/manifest.h"
#include "tests/apiserver/pki.h"

typedef struct Program {
        sd_event *event; /* owned */
        ApiServer api;
        HttpServer *http; /* owned */
        Generator generator;
        Pki *pki; /* owned; NULL = no TLS */
        PkiOptions pki_options;
        ManifestFolder **folders; /* owned */
        size_t n_folders;
        struct sockaddr_storage address; /* with the port it got */
        socklen_t address_size;
        char *url; /* owned; what kubeconfigs say */
        char *state; /* owned; the folder for certificates, kubeconfigs and the control socket */
        bool mirror_endpoints;
        sd_event_source *control_source; /* owned */
        struct ControlClient *control_clients; /* owned */
} Program;

/* A socket that listens on program->address; a negative errno otherwise. */
int program_listen(Program *program);
/* Writes all kubeconfigs again. */
int program_write_kubeconfigs(Program *program);

/* control.c: listens on a Unix socket */
int control_start(Program *program, const char *path);
void control_stop(Program *program);
