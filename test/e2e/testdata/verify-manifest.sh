#!/bin/sh
# Verifies the signed manifest of a build without any program of ours: tar
# unpacks it, openssl checks the signature.
#
#   verify-manifest.sh manifest.<build name>
#
# expects manifest.<build name>.sig.tbz and manifest.<build name>-public.pem in
# the working directory, writes manifest.<build name>.tbz there, and exits with 0
# only if the build server signed it.
set -eu

# The name may hold a colon; without ./ tar would look for a host.
name=./$1

tar -xjf "$name.sig.tbz"

# The signature is written in hex.
tr a-f A-F <"$name.sig" | basenc --base16 --decode >"$name.signature"

# The signed message is the 32-byte digest of the archive, which openssl hashes once
# more.
openssl dgst -sha256 -binary "$name.tbz" >"$name.digest"
openssl dgst -sha256 -verify "$name-public.pem" -signature "$name.signature" "$name.digest"
