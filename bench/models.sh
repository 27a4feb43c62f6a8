#!/usr/bin/env bash
# models.sh: fetches the models of the tests, once, and prints their folder: a wheel has them. `silero_vad.onnx` hears whether
# somebody speaks, `smart-turn-v3.2-cpu.onnx` whether a turn is over.
set -euo pipefail
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/models
if [ ! -e "$tools/smart-turn-v3.2-cpu.onnx" ]; then
  echo "models: fetching the models of the detectors" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # A pip of its own: Debian's python3 has none.
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" download --quiet --no-deps --dest "$work" pipecat-ai==1.14.0 >&2
  unzip -q -o -j "$work"/pipecat_ai-*.whl '*/silero_vad.onnx' '*/smart-turn-v3.2-cpu.onnx' -d "$tools"
fi
(cd "$tools" && sha256sum --check --quiet) <<'SUMS'
1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3  silero_vad.onnx
2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f  smart-turn-v3.2-cpu.onnx
SUMS
echo "$tools"
