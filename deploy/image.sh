#!/bin/sh
# Builds the server's container image, for linux/amd64 or linux/s390x:
#
#     deploy/image.sh ARCH PROGRAM TAG
#
# PROGRAM is the server for that architecture. The base image is stored in the same
# folder; remove it (make clean) to get newer packages of the distribution.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
arch=${1:?which architecture}
program=${2:?which program}
tag=${3:?which tag}

base=$(dirname "$program")/base-$arch.tar
[ -s "$base" ] || "$here/base/make.sh" "$arch" "$base.new"
[ -s "$base" ] || mv "$base.new" "$base"

# load_base loads the base image with its architecture. "docker import" would set the
# architecture of the engine's machine (OCI image specification, config.md).
load_base() {
    cat >"$context/config.json" <<END
{"architecture": "$arch", "os": "linux", "config": {},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$(sha256sum "$base" | cut -d ' ' -f 1)"]}}
END
    cat >"$context/manifest.json" <<END
[{"Config": "config.json", "RepoTags": ["sbs-base:$arch"], "Layers": ["$(basename "$base")"]}]
END
    tar --create --directory "$context" config.json manifest.json \
        --directory "$(cd "$(dirname "$base")" && pwd)" "$(basename "$base")" | docker load --quiet >/dev/null
}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
trap 'exit 1' HUP INT TERM
cp "$here/Dockerfile" "$context"
cp "$program" "$context/sbs-server"
load_base
docker build --quiet --platform "linux/$arch" --build-arg "BASE=sbs-base:$arch" --tag "$tag" "$context"
made=$(docker image inspect --format '{{.Architecture}}' "$tag")
[ "$made" = "$arch" ] || {
    echo "The engine built $tag for $made, not for $arch." >&2
    exit 1
}
echo "The server's image is $tag."
