#!/bin/sh
# Installs the missing programs that the local stack and its tests need in addition
# to Go and git, and starts a Docker Engine if none runs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
packages=

# need COMMAND PACKAGE: add the package unless the command exists.
need() {
    command -v "$1" >/dev/null || packages="$packages $2"
}

need notary-server notary # the real notary server
need openssl openssl      # verifies manifests without our code
need bzip2 bzip2          # tar needs it
need lbzip2 lbzip2        # reads what our bzip2 encoder writes
need python3 python3      # so does its tarfile
need skopeo skopeo        # inspects pushed images without our code
need podman podman        # verifies simple signatures, as skopeo does
need gpg gnupg            # reads our OpenPGP key and makes signatures for comparison
need runc runc            # runs the commands of builds for bin/buildkitd
need iptables iptables    # keeps them away from this machine
need git-lfs git-lfs      # checks out repositories for comparison

# The base image has no libraries, so busybox must be statically linked.
static_busybox() {
    busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1
}
static_busybox || packages="$packages busybox-static"

# The network of those commands is made by CNI plugins.
[ -x /usr/lib/cni/bridge ] || packages="$packages containernetworking-plugins"

if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # a list of words
    "$here/../../deploy/engine/install.sh" $packages
fi
"$here/../../deploy/engine/up.sh"

# docker 29 has no "docker trust"; the distributions' packages do.
if ! docker trust --help >/dev/null 2>&1; then
    echo "The docker command here cannot verify Docker Content Trust (docker trust)." >&2
    echo "Please install one that can: the package docker.io or docker-cli of Debian or Ubuntu." >&2
    exit 1
fi
