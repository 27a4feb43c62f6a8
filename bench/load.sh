#!/usr/bin/env bash
# load.sh [SESSIONS…] [chaos] [listening] [largest]: measures the latency that a server adds between clients and providers, and the
# cost of a session, with that many simultaneous sessions of real speech (default: 100 500 chaos listening largest). Compares with
# the same scene without a server, and with pipecat as the server. `chaos` measures a hundred sessions while other clients and
# providers misbehave. `listening` measures the cost of the detectors in silence, a monologue and a dialogue, with a build of a
# release's features (except `livekit`, which is not used here), compared with pipecat and the same two models. `largest` searches
# for the highest number of sessions of each. SECONDS_EACH=n (default 10) is the time of each scene except `listening`. The code is
# in benches/load.rs.
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
