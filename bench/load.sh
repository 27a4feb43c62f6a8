#!/usr/bin/env bash
# load.sh [SESSIONS…] [chaos] [listening] [largest]: what a server adds between clients and providers, and what a session costs
# it, with that many sessions of real speech at once (default: 100 500 chaos listening largest), against the same scene without a
# server, and with pipecat as the server. `chaos` shows a hundred sessions while other clients and their providers do their worst;
# `listening` shows what it costs that detectors listen, in silence, a monologue and a dialogue, by a build with the features of a
# release (but `livekit`, which does nothing here), beside pipecat with the same two models; `largest` looks for the most sessions
# that either carries. SECONDS_EACH=n (default 10) is the time of each scene but `listening`. The work is in benches/load.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 100 500 chaos listening largest
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/load
packages=('pipecat-ai[deepgram,silero,websocket]==1.14.0' uvicorn)
if [ "$(cat "$tools/installed" 2>/dev/null)" != "${packages[*]}" ]; then
  echo "load: installing pipecat"
  python3 -m venv "$tools/pipecat"
  "$tools/pipecat/bin/pip" install --quiet "${packages[@]}"
  echo "${packages[*]}" >"$tools/installed"
fi
SPEECH=$(bash bench/speech.sh)
export SPEECH PIPECAT_PYTHON=$tools/pipecat/bin/python
listening=
others=()
for scene in "$@"; do
  if [ "$scene" = listening ]; then listening=1; else others+=("$scene"); fi
done
[ ${#others[@]} -eq 0 ] || cargo bench --locked --quiet -p sayna --bench load -- "${others[@]}"
if [ -n "$listening" ]; then
  MODELS=$(bash bench/models.sh)
  export MODELS
  cargo bench --locked --quiet -p sayna --features local,noise-filter,turn-detect --bench load -- listening
fi
