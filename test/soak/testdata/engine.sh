#!/bin/sh
# An engine beside the machine's own: its mounts are its own, and its containers
# hang on a bridge that leads nowhere. The bridge has the name that this program
# was started by: an engine's environment holds nothing of the test's.
set -eu
bridge=${0##*/}
ip link show "$bridge" >/dev/null 2>&1 || {
    ip link add "$bridge" type bridge
    ip address add 198.18.77.1/24 dev "$bridge" # RFC 2544: nobody's
    ip link set "$bridge" up
}
exec unshare --mount -- dockerd --bridge "$bridge" --iptables=false --ip-masq=false \
    --ip-forward=false --userland-proxy=false "$@"
