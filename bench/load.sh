#!/usr/bin/env bash
# load.sh [SESSIONS…]: what a server adds between clients and providers, and what a session costs it, with that many
# sessions at once (default: 100 500), against the same scene without a server. SECONDS_EACH=n (default 10) is the time of
# each scene. With PIPECAT_PYTHON=<a Python that has pipecat-ai[deepgram,websocket] and uvicorn> the scene is played by it too.
# The work is in benches/load.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 100 500
exec cargo bench --locked --quiet -p sayna --bench load -- "$@"
