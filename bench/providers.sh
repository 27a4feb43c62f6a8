#!/usr/bin/env bash
# providers.sh [STREAMS]: compares the clients of the providers with common alternatives, in the same run and with the same
# counterparts: recognition and synthesis against Deepgram's own SDK, resampling against soxr, mu-law against
# Python's audioop (both in C), the cache against a request. STREAMS (default 50) transcriptions run at once, for
# SECONDS_EACH (default 10) seconds. Needs the Python environment that .ci/setup makes, or PYTHON=<a Python with
# deepgram-sdk and soxr>. The code is in benches/providers.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHON=${PYTHON:-${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/clients/bin/python}
[ $# -gt 0 ] || set -- 50
exec cargo bench --locked --quiet -p sayna --bench providers -- "$@"
