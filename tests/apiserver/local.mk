# SPDX-License-Identifier: GPL-2.0-or-later
# What a real API server 1.20 answered, and the founding cluster: the yardstick for tests of both ends.
EXTRA_DIST += \
	tests/data/recorded-api/api-v1.http \
	tests/data/recorded-api/api.http \
	tests/data/recorded-api/apis-discovery-v1-missing.http \
	tests/data/recorded-api/apis-discovery.http \
	tests/data/recorded-api/apis.http \
	tests/data/recorded-api/endpoints-list.http \
	tests/data/recorded-api/endpointslices-list.http \
	tests/data/recorded-api/endpointslices-watch.http \
	tests/data/recorded-api/forbidden-anonymous.http \
	tests/data/recorded-api/list-continue-expired.http \
	tests/data/recorded-api/list-too-large-rv.http \
	tests/data/recorded-api/node-missing.http \
	tests/data/recorded-api/node.http \
	tests/data/recorded-api/nodes-fieldselector.http \
	tests/data/recorded-api/services-list.http \
	tests/data/recorded-api/services-page-1.http \
	tests/data/recorded-api/services-page-2.http \
	tests/data/recorded-api/services-page-3.http \
	tests/data/recorded-api/services-table.http \
	tests/data/recorded-api/services-watch.http \
	tests/data/recorded-api/unauthorized.http \
	tests/data/recorded-api/version.http \
	tests/data/recorded-api/watch-too-old.http \
	tests/data/seed-cluster/endpointslices.v1.json \
	tests/data/seed-cluster/endpointslices.v1beta1.json \
	tests/data/seed-cluster/manifests.yaml
