/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entry point of every fuzz target, called by libFuzzer or by replay-main.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
