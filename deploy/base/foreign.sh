#!/bin/sh
# Enables this machine to run programs of another architecture, with QEMU's user mode:
#
#     deploy/base/foreign.sh s390x
#
# It registers the interpreter with the kernel, which opens it at once (flag F), so that
# it also works with another root folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
arch=${1:?which architecture}
formats=/proc/sys/fs/binfmt_misc

# magic has the first bytes of a program of the architecture: ELF, class, byte order,
# version, and the machine in bytes 18 and 19 (EM_S390 is 22).
case $arch in
s390x)
    magic='\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16'
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff'
    ;;
*)
    echo "Running programs for $arch is not supported." >&2
    exit 1
    ;;
esac

command -v "qemu-$arch-static" >/dev/null || "$here/../engine/install.sh" qemu-user-static
[ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats"
[ -e "$formats/qemu-$arch" ] ||
    printf '%s' ":qemu-$arch:M::$magic:$mask:$(command -v "qemu-$arch-static"):F" >"$formats/register"
