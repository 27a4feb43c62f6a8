#!/usr/bin/env bash
# onnxruntime.sh: downloads the official wheel of the ONNX Runtime for the tests, once, and prints the path of its library.
set -euo pipefail
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/onnxruntime
library=$tools/libonnxruntime.so.1.32.0
if [ ! -e "$library" ]; then
  echo "onnxruntime: fetching the library" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # A pip of its own: Debian's python3 has none. The wheels for all versions of Python have the same library.
  # Without a named version there might be no wheel for the machine's Python.
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" download --quiet --no-deps --only-binary :all: --python-version 3.11 --dest "$work" onnxruntime==1.32.0 >&2
  unzip -q -o -j "$work"/onnxruntime-*.whl '*/libonnxruntime.so.1.32.0' -d "$tools"
fi
if [ "$(uname -m)" = x86_64 ]; then
  sha256sum --check --quiet <<<"6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f  $library"
fi
echo "$library"
