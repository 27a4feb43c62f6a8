#!/usr/bin/env bash
# noise.sh: measures quality, cost and latency of the noise filter on noisy speech, compared with pipecat's RNNoiseFilter (pyrnnoise
# between two resamplers) on the same samples and in the same run. The code is in benches/noise.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/noise
if [ "$(cat "$tools/installed" 2>/dev/null)" != 1 ]; then
  echo "noise: installing pipecat and pyrnnoise"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet pipecat-ai==1.14.0 pyrnnoise==0.4.5
  echo 1 >"$tools/installed"
fi
SPEECH=$(bash bench/speech.sh)
export SPEECH PIPECAT_PYTHON=$tools/bin/python
exec cargo bench --locked --quiet -p sayna --features noise-filter --bench noise
