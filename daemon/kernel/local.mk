# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel by netlink. The nftables table, conntrack and sysctls are a library of their own, without an event loop;
# ruleset.c, nft-element.c and ipvs-message.c are pure.
noinst_LIBRARIES += libkernelfilter.a
libkernelfilter_a_SOURCES = \
	daemon/kernel/conntrack.c \
	daemon/kernel/conntrack.h \
	daemon/kernel/forward.c \
	daemon/kernel/forward.h \
	daemon/kernel/netlink-buffer.c \
	daemon/kernel/netlink.c \
	daemon/kernel/netlink.h \
	daemon/kernel/nfnetlink.c \
	daemon/kernel/nfnetlink.h \
	daemon/kernel/nft-element.c \
	daemon/kernel/nft-element.h \
	daemon/kernel/nft-generation.c \
	daemon/kernel/nft-generation.h \
	daemon/kernel/nft-state.c \
	daemon/kernel/nft-state.h \
	daemon/kernel/nftables-dump.c \
	daemon/kernel/nft-text.c \
	daemon/kernel/nft-text.h \
	daemon/kernel/nftables-private.h \
	daemon/kernel/nftables.c \
	daemon/kernel/nftables.h \
	daemon/kernel/ruleset-set.c \
	daemon/kernel/ruleset-set.h \
	daemon/kernel/ruleset.c \
	daemon/kernel/ruleset.h \
	daemon/kernel/sysctl.c \
	daemon/kernel/sysctl.h
libkernelfilter_a_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS) $(NFT_CFLAGS) $(MNL_CFLAGS)
libkernelfilter_libs = libkernelfilter.a libmodel.a libcommon.a $(NL_LIBS) $(NFT_LIBS) $(MNL_LIBS) $(SYSTEMD_LIBS)

noinst_LIBRARIES += libkernel.a
libkernel_a_SOURCES = \
	daemon/kernel/address.c \
	daemon/kernel/address.h \
	daemon/kernel/backend.h \
	daemon/kernel/ipvs.c \
	daemon/kernel/ipvs.h \
	daemon/kernel/ipvs-message.c \
	daemon/kernel/ipvs-message.h \
	daemon/kernel/ipvs-private.h \
	daemon/kernel/ipvs-read.c \
	daemon/kernel/ipvs-sockopt.c \
	daemon/kernel/ipvs-sockopt.h \
	daemon/kernel/listeners.c \
	daemon/kernel/listeners.h \
	daemon/kernel/monitor.c \
	daemon/kernel/monitor.h \
	daemon/kernel/netlink-backend.c
libkernel_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(NL_CFLAGS) $(MNL_CFLAGS)
libkernel_libs = libkernel.a $(libkernelfilter_libs)

# The same interface over tables in memory, for tests.
check_LIBRARIES += libkernelmemory.a
libkernelmemory_a_SOURCES = \
	daemon/kernel/backend.h \
	daemon/kernel/memory-backend.c \
	daemon/kernel/memory-backend.h \
	daemon/kernel/memory-filter.c \
	daemon/kernel/memory-ipvs.c \
	daemon/kernel/memory-node.c \
	daemon/kernel/memory-private.h \
	daemon/kernel/memory-text.c
libkernelmemory_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
libkernelmemory_libs = libkernelmemory.a libmodel.a libcommon.a $(SYSTEMD_LIBS)

# Over another backend: prints what it would write.
noinst_LIBRARIES += libkerneldryrun.a
libkerneldryrun_a_SOURCES = \
	daemon/kernel/dry-run-backend.c \
	daemon/kernel/dry-run-backend.h
libkerneldryrun_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
