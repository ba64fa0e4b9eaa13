# SPDX-License-Identifier: GPL-2.0-or-later
# Rules of the tree that no compiler checks. `srcdir` comes from automake.
dist_check_SCRIPTS += tests/lint/lint tests/lint/selftest
TESTS += tests/lint/lint tests/lint/selftest
