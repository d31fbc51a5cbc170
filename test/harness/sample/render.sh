#!/bin/sh
# Writes the page that the image shows: the greeting, numbered and framed.
set -eu
echo "----------------------------------------"
nl "$1"
echo "----------------------------------------"
