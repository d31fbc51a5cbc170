#!/bin/sh
# Runs a Docker Engine in addition to the machine's, with a mount namespace of its own
# and a bridge without a route to the outside. The bridge has the name that this
# program was started with: an engine gets no environment variables of the test.
set -eu
bridge=${0##*/}
ip link show "$bridge" >/dev/null 2>&1 || {
    ip link add "$bridge" type bridge
    ip address add 198.18.77.1/24 dev "$bridge" # reserved by RFC 2544
    ip link set "$bridge" up
}
exec unshare --mount -- dockerd --bridge "$bridge" --iptables=false --ip-masq=false \
    --ip-forward=false --userland-proxy=false "$@"
