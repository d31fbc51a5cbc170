#!/bin/sh
# Prints what compose.yaml's server needs on a machine whose engine can't run a
# privileged container, as an override for compose; nothing where it can.
#
#     test/harness/privileged.sh IMAGE >override.yaml
#
# A privileged container gets every capability. If this machine is itself a container
# that lacks some (often CAP_SYS_RESOURCE), the engine can't grant them and fails. The
# server's engine does not need them. So the override lists what the machine grants:
# its capabilities, all devices, no seccomp or AppArmor profile, and writable cgroups.
set -eu

image=${1:?which image}

starts() {
    docker run --rm --network none --entrypoint /usr/bin/tini "$@" "$image" --version >/dev/null 2>&1
}

if starts --privileged; then
    exit 0
fi
starts || {
    echo "The Docker Engine can't run a container of $image at all: try docker run --rm $image" >&2
    exit 1
}
echo "This machine's engine can't run privileged containers; the server gets what the machine has." >&2

# In the order of their numbers (linux/capability.h), without those that are unknown to
# engines before 20.10.9.
names="CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER
SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE
SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ"

# granted lists the capabilities in this machine's bounding set.
granted() {
    mask=$(sed -n 's/^CapBnd:[[:space:]]*/0x/p' /proc/self/status)
    bit=0
    for name in $names; do
        [ $((mask >> bit & 1)) -eq 0 ] || printf '      - %s\n' "$name"
        bit=$((bit + 1))
    done
}

cat <<END
services:
  server:
    privileged: false
    cap_add:
$(granted)
    security_opt:
      - seccomp=unconfined
      - apparmor=unconfined
    device_cgroup_rules:
      - a *:* rwm
    volumes:
      - /sys/fs/cgroup:/sys/fs/cgroup:rw
END
