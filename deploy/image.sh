#!/bin/sh
# Puts the server's container image together, for linux/amd64 or linux/s390x:
#
#     deploy/image.sh ARCH PROGRAM TAG
#
# PROGRAM is the server for that architecture. The base is kept beside it; remove
# it (make clean) to get the distribution's newer packages.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
arch=${1:?which architecture}
program=${2:?which program}
tag=${3:?which tag}

base=$(dirname "$program")/base-$arch.tar
[ -s "$base" ] || "$here/base/make.sh" "$arch" "$base.new"
[ -s "$base" ] || mv "$base.new" "$base"

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
trap 'exit 1' HUP INT TERM
cp "$here/Dockerfile" "$context"
cp "$program" "$context/sbs-server"
docker import --platform "linux/$arch" "$base" "sbs-base:$arch" >/dev/null
docker build --quiet --build-arg "BASE=sbs-base:$arch" --tag "$tag" "$context"
echo "The server's image is $tag."
