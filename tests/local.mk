# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of `make check`: no root, no network, no kernel module. Those on the node: tests/vm.
# They run in this order: first those that wait longest, so that none goes on alone at the end.
include tests/bus/local.mk
include tests/client/local.mk
include tests/apiserver/local.mk
include tests/unit/local.mk
include tests/unit/reference.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
include tests/vm/local.mk
include tests/bench/local.mk
