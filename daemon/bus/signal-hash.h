/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hashes of what properties say: whether one changed since the last signal is found by comparing them, whatever it was
 * changed by, and costs four bytes a property.
 */
#pragma once

#include <stdint.h>

#include "bus/index.h"
#include "bus/service-view.h"

uint32_t signal_hash_text(const char *text);
uint32_t signal_hash_number(uint64_t number);

/* Those of a service in the order of the names below. */
void signal_hash_service(const ServiceView *view, uint32_t hashes[static INDEX_PROPERTIES]);
/* The first is Protocol, which never changes in one object. */
extern const char *const signal_service_properties[INDEX_PROPERTIES];
