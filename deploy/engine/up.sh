#!/bin/sh
# Makes sure that a Docker Engine responds. If none does, it is installed from the
# distribution's packages and started, after a message. Everything that builds images
# needs one.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
log=/var/log/dockerd.log
timeout=60 # seconds that an engine may take to start

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

# responds succeeds if the engine responds. It stores the output of docker in $response.
responds() {
    command -v docker >/dev/null && response=$(docker version --format '{{.Server.Version}}' 2>&1)
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        die "A Docker Engine is installed but does not respond, and starting it needs root." \
            "Please start it (sudo systemctl start docker) and try again."
    fi
}

explain_refusal() {
    case $response in
    *"permission denied"*)
        die "A Docker Engine runs, but this user may not use it. Please run" \
            "    sudo usermod --append --groups docker $(id -un)" \
            "log in again, and try again."
        ;;
    esac
}

# start_without_systemd starts the engine in the background. Its socket belongs to the
# group of the user, who is not in the group docker of a newly installed package.
start_without_systemd() {
    echo "Starting the Docker Engine in the background; it logs to $log."
    # shellcheck disable=SC2016 # expanded by the inner shell
    engine=$(as_root sh -c 'setsid dockerd --group "$1" >>"$2" 2>&1 </dev/null & echo $!' sh "$(id -gn)" "$log")
}

runs() {
    [ -d "/proc/$1" ]
}

# wait_until_it_responds fails early when the process $engine ends.
wait_until_it_responds() {
    deadline=$(($(date +%s) + timeout))
    until responds; do
        explain_refusal
        if [ -n "$engine" ] && ! runs "$engine"; then
            die "The Docker Engine ended while starting; the end of $log:" "$(as_root tail -n 15 "$log")"
        fi
        [ "$(date +%s)" -lt "$deadline" ] ||
            die "The Docker Engine did not respond within $timeout seconds: $response"
        sleep 0.1
    done
}

response=''
engine=''
if responds; then
    exit 0
fi
explain_refusal
if [ -n "${DOCKER_HOST:-}" ]; then
    die "The Docker Engine at DOCKER_HOST=$DOCKER_HOST does not respond: $response" \
        "Please start it, or unset DOCKER_HOST to use this machine's own."
fi

if ! command -v dockerd >/dev/null; then
    echo "No Docker Engine responds on this machine. It will be installed and started."
    "$here/install.sh" docker.io iptables
fi
if ! command -v docker >/dev/null; then
    "$here/install.sh" docker-cli # newer distributions have a separate package for it
fi

if [ -d /run/systemd/system ]; then
    echo "Starting the Docker Engine with systemd."
    as_root systemctl start docker
elif [ -r /var/run/docker.pid ] && runs "$(cat /var/run/docker.pid)"; then
    echo "Waiting for the Docker Engine that is starting."
else
    start_without_systemd
fi
wait_until_it_responds
echo "Docker Engine $response responds."
