/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/timed-backend.h"

#include "tests/bench/bench.h"

static const KernelBackendOps *original;
static KernelBackendOps timed;
static BackendTimes times;

/* Adds to `sum` what `call` takes, and is its value. */
#define TIMED(sum, call)                                    \
        ({                                                  \
                uint64_t begun_ = bench_now_nsec();         \
                int r_ = (call);                            \
                (sum) += bench_now_nsec() - begun_;         \
                r_;                                         \
        })

static int timed_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops) {
        return TIMED(times.ipvs_nsec, original->ipvs_apply(backend, ops, n_ops));
}

static int timed_ipvs_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata) {
        return TIMED(times.read_nsec, original->ipvs_dump(backend, visitor, userdata));
}

static int timed_ipvs_list(KernelBackend *backend, bool begin, VirtualServerVisitor visitor, void *userdata) {
        return TIMED(times.read_nsec, original->ipvs_list(backend, begin, visitor, userdata));
}

static int timed_ipvs_read_dests(KernelBackend *backend,
                                 const VirtualServerKey *key,
                                 RealServersVisitor visitor,
                                 void *userdata) {
        return TIMED(times.read_nsec, original->ipvs_read_dests(backend, key, visitor, userdata));
}

static int timed_address_apply(KernelBackend *backend, AddressOp *ops, size_t n_ops) {
        return TIMED(times.address_nsec, original->address_apply(backend, ops, n_ops));
}

static int timed_address_dump(KernelBackend *backend, AddressVisitor visitor, void *userdata) {
        return TIMED(times.read_nsec, original->address_dump(backend, visitor, userdata));
}

static int timed_filter_ensure(KernelBackend *backend,
                               const FilterConfig *config,
                               const FilterElement *elements,
                               size_t n_elements) {
        return TIMED(times.filter_nsec, original->filter_ensure(backend, config, elements, n_elements));
}

static int timed_filter_is_unchanged(KernelBackend *backend, const FilterConfig *config) {
        return TIMED(times.read_nsec, original->filter_is_unchanged(backend, config));
}

static int timed_filter_apply(KernelBackend *backend, const FilterOp *ops, size_t n_ops) {
        return TIMED(times.filter_nsec, original->filter_apply(backend, ops, n_ops));
}

static int timed_filter_dump(KernelBackend *backend, unsigned part, FilterVisitor visitor, void *userdata) {
        return TIMED(times.read_nsec, original->filter_dump(backend, part, visitor, userdata));
}

void timed_backend_watch(KernelBackend *backend) {
        original = backend->ops;
        timed = *original;
        timed.ipvs_apply = timed_ipvs_apply;
        timed.ipvs_dump = timed_ipvs_dump;
        timed.ipvs_list = timed_ipvs_list;
        timed.ipvs_read_dests = timed_ipvs_read_dests;
        timed.address_apply = timed_address_apply;
        timed.address_dump = timed_address_dump;
        timed.filter_ensure = timed_filter_ensure;
        timed.filter_is_unchanged = timed_filter_is_unchanged;
        timed.filter_apply = timed_filter_apply;
        timed.filter_dump = timed_filter_dump;
        backend->ops = &timed;
        times = (BackendTimes) {};
}

BackendTimes timed_backend_take(void) {
        BackendTimes taken = times;

        times = (BackendTimes) {};
        return taken;
}
