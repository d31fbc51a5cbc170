#!/bin/sh
# Makes the base of the server's container image from the distribution's packages, so
# that no registry has to be trusted or reached:
#
#     deploy/base/make.sh amd64|s390x FILE.tar
#
# debootstrap downloads the packages and verifies the distribution's signature. The
# packages listed in the file "packages" are unpacked, and no program of them is run, so
# that the base of another architecture is made in the same time. It needs root, because
# the files of the base belong to root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
arch=${1:?which architecture}
output=${2:?which file to write}
suite=bookworm

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || die "Making the base of the image needs root: sudo $0 $arch $output"
    exec sudo -n "$0" "$@"
fi
"$here/../engine/install.sh" debootstrap

work=$(mktemp -d "${TMPDIR:-/var/tmp}/sbs-base.XXXXXX")
root=$work/root
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# listed prints the packages of the file "packages".
listed() {
    sed '/^#/d' "$here/packages"
}

fetch() {
    echo "Making the base of the image from the distribution's packages ($suite, $arch)."
    include=$(listed | paste -s -d , -)
    debootstrap --download-only --arch="$arch" --variant=minbase --include="$include" "$suite" "$work/fetched" >"$work/log" 2>&1 ||
        die "debootstrap failed; the end of its output:" "$(tail -n 15 "$work/log")"
}

# unpack unpacks the packages' files, with the merged /usr that the packages expect, and
# lists each package as installed, for scanners of the image.
unpack() {
    mkdir -p "$root/var/lib/dpkg" "$root/etc/ssl/certs" "$root/run" "$root/var/log"
    for dir in bin lib lib64 sbin; do
        mkdir -p "$root/usr/$dir"
        ln -s "usr/$dir" "$root/$dir"
    done
    for package in $(listed); do
        deb=$(echo "$work/fetched/var/cache/apt/archives/${package}"_*.deb)
        dpkg-deb --fsys-tarfile "$deb" | tar --extract --keep-directory-symlink --directory "$root"
        dpkg-deb --field "$deb" | sed '1a Status: install ok installed'
        echo
    done >"$root/var/lib/dpkg/status"
}

# configure does what the packages' own scripts do.
configure() {
    cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
    for family in iptables ip6tables; do
        for command in "" -save -restore; do
            ln -s "$family-nft$command" "$root/usr/sbin/$family$command"
        done
    done
    printf 'root:x:0:0:root:/root:/usr/sbin/nologin\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
}

# prune removes documentation, character sets, and programs of the engine that the server
# doesn't use.
prune() {
    rm -rf "$root"/usr/share/man "$root"/usr/share/locale "$root"/usr/share/bash-completion \
        "$root"/usr/share/lintian "$root"/usr/lib/*-linux-gnu/gconv
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    for program in docker ctr containerd-shim containerd-shim-runc-v1 dnet; do
        rm -f "$root/usr/bin/$program"
    done
    rm -f "$root/usr/sbin/ovrouter"
}

fetch
unpack
configure
prune
# The same packages give the same archive.
tar --create --numeric-owner --sort=name --mtime=@0 --file "$output" --directory "$root" .
echo "The base of the image is $output: $(du -m "$output" | cut -f 1) MB."
