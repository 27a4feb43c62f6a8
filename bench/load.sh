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
if [ ! -x "$tools/pipecat/bin/uvicorn" ]; then
  echo "load: installing pipecat"
  python3 -m venv "$tools/pipecat"
  "$tools/pipecat/bin/pip" install --quiet 'pipecat-ai[deepgram,websocket]==1.14.0' uvicorn
fi
SPEECH=$(bash bench/speech.sh)
export SPEECH PIPECAT_PYTHON=$tools/pipecat/bin/python
exec cargo bench --locked --quiet -p sayna --bench load -- "$@"
