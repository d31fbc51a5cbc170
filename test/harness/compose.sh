#!/bin/sh
# Runs the local stack of compose.yaml, in a folder:
#
#     test/harness/compose.sh DIR up
#     test/harness/compose.sh DIR COMMAND...    another command of compose
#     test/harness/compose.sh DIR down --volumes
#
# SBS_IMAGE is the server's image for "up", SBS_PORT the loopback port of this machine
# at which the server listens, 9443 unless set.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || {
    echo "usage: test/harness/compose.sh DIR up | COMMAND..." >&2
    exit 1
}
mkdir -p "$1"
SBS_DIR=$(cd "$1" && pwd)
SBS_IMAGE=${SBS_IMAGE:-sbs-server}
SBS_PORT=${SBS_PORT:-9443}
SBS_PROGRAMS=$(cd "$here/../../bin" && pwd)
SBS_USER=$(id -u):$(id -g)
# Folders of the same name elsewhere are other stacks.
COMPOSE_PROJECT_NAME=sbs-$(printf %s "$SBS_DIR" | cksum | cut -d ' ' -f 1)
export SBS_DIR SBS_IMAGE SBS_PORT SBS_PROGRAMS SBS_USER COMPOSE_PROJECT_NAME
shift

timeout=120 # seconds until the parts are ready, and the server

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

if docker compose version >/dev/null 2>&1; then
    program="docker compose"
else
    "$here/../../deploy/engine/install.sh" docker-compose
    program=docker-compose
fi

override=$(mktemp)
trap 'rm -f "$override"' EXIT
trap 'exit 1' HUP INT TERM

# compose has the contract's values as soon as the parts have written server.env.
compose() {
    [ ! -s "$override" ] || set -- --file "$override" "$@"
    [ ! -e "$SBS_DIR/server.env" ] || set -- --env-file "$SBS_DIR/server.env" "$@"
    # shellcheck disable=SC2086 # it may be two words
    $program --file "$here/compose.yaml" "$@"
}

runs() {
    [ -n "$(docker ps --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
        --filter "label=com.docker.compose.service=$1")" ]
}

# await SERVICE COMMAND...: wait until the command succeeds; fail if the service ends.
await() {
    service=$1
    shift
    deadline=$(($(date +%s) + timeout))
    until "$@" >/dev/null 2>&1; do
        if ! runs "$service" || [ "$(date +%s)" -ge "$deadline" ]; then
            die "The $service did not get ready; the end of the logs:" "$(compose logs --no-color --tail 20 "$service")"
        fi
        sleep 0.2
    done
}

responds() (
    cd "$SBS_DIR" && "$SBS_PROGRAMS/sbs-cli" status --env sbs-config.json
)

up() {
    if runs parts; then
        die "A stack runs in $SBS_DIR; stop it with: test/harness/compose.sh DIR down --volumes"
    fi
    rm -f "$SBS_DIR/ready"
    compose up --detach parts
    await parts test -e "$SBS_DIR/ready"
    compose up --detach server
    await server responds
    cat <<END
The server listens at https://localhost:$SBS_PORT. Try it:
    cd $SBS_DIR && $SBS_PROGRAMS/sbs-cli init --env sbs-config.json
Stop the stack and remove its volume:
    $here/compose.sh $SBS_DIR down --volumes
END
}

[ "$1" != up ] || "$here/privileged.sh" "$SBS_IMAGE" >"$override"
if [ "$*" = up ]; then
    up
else
    compose "$@"
fi
