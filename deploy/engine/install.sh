#!/bin/sh
# Installs those of the Debian or Ubuntu packages named as arguments that are missing,
# after a message. Without the permission to do that, it prints the command to run and
# fails.
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "This machine has no apt-get. Please install the equivalents of these Debian packages:$missing" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Packages are missing, and installing them needs root. Please run:" >&2
    echo "    sudo apt-get update && sudo apt-get install$missing" >&2
    exit 1
fi

echo "Installing from the distribution's packages:$missing"
# The package list of a new machine is empty, and an old one has versions that no longer
# exist. The lists of words are meant to be split.
# shellcheck disable=SC2086
{
    $as_root apt-get -q -q update </dev/null
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -q --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 install $missing </dev/null >/dev/null
}
