#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What ./bootstrap demo shows has to be true: it verifies itself.
exec "${BASH_SOURCE%/*}/demo"
