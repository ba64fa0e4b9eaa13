# SPDX-License-Identifier: GPL-2.0-or-later
# Rules of the tree that no compiler checks. `srcdir` comes from automake.
lint_scripts = tests/lint/lint tests/lint/message-ids tests/lint/selftest
dist_check_SCRIPTS += $(lint_scripts)
TESTS += $(lint_scripts)
