#!/usr/bin/env bash
# load.sh [SESSIONS…] [chaos] [largest]: what a server adds between clients and providers, and what a session costs it, with
# that many sessions of real speech at once (default: 100 500 chaos largest), against the same scene without a server, and
# with pipecat as the server. `chaos` shows a hundred sessions while other clients and their providers do their worst;
# `largest` looks for the most sessions that either carries. SECONDS_EACH=n (default 10) is the time of each scene.
# The work is in benches/load.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 100 500 chaos largest
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/load
if [ ! -e "$tools/speech/beckett.wav" ]; then
  echo "load: installing pipecat and fetching a recording"
  python3 -m venv "$tools/pipecat"
  "$tools/pipecat/bin/pip" install --quiet 'pipecat-ai[deepgram,websocket]==1.14.0' uvicorn
  # A wheel that has speech: sixteen kilohertz, one voice, ten seconds.
  "$tools/pipecat/bin/pip" download --quiet --no-deps --dest "$tools" moonshine-voice==0.1.5
  unzip -q -o -j "$tools"/moonshine_voice-*.whl '*/beckett.wav' -d "$tools/speech"
  rm "$tools"/moonshine_voice-*.whl
fi
sha256sum --check --quiet <<<"e5a26b3d29e5b0bc8dbd72c11d16a3808a4ec0ac45b21f12a27d2a2fe5c5ae61  $tools/speech/beckett.wav"
SPEECH=$tools/speech/beckett.wav PIPECAT_PYTHON=$tools/pipecat/bin/python \
  exec cargo bench --locked --quiet -p sayna --bench load -- "$@"
