#!/bin/sh
# Lets this machine run programs of another architecture, by QEMU's user mode:
#
#     deploy/base/foreign.sh s390x
#
# The kernel is told once, and the interpreter is opened then (flag F), so that
# it also serves inside a root of its own.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
arch=${1:?which architecture}
formats=/proc/sys/fs/binfmt_misc

# magic is how a program of the architecture begins: ELF, class, byte order,
# version, and at bytes 18 and 19 the machine (EM_S390 is 22).
case $arch in
s390x)
    magic='\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16'
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff'
    ;;
*)
    echo "No way is known here to run programs for $arch." >&2
    exit 1
    ;;
esac

command -v "qemu-$arch-static" >/dev/null || "$here/../engine/install.sh" qemu-user-static
[ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats"
[ -e "$formats/qemu-$arch" ] ||
    printf '%s' ":qemu-$arch:M::$magic:$mask:$(command -v "qemu-$arch-static"):F" >"$formats/register"
