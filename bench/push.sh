#!/usr/bin/env bash
# push.sh: measures the push of an image for two platforms, 80 MB, against `skopeo copy --all` to the same registry and in the same run, each
# side as a process of its own with blobs that the registry has never seen; and a second publish, in requests and milliseconds.
# Needs docker-registry and skopeo (.ci/setup). The code is in release/benches/push.rs. RUNS=n (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin"
exec cargo bench --locked --quiet -p sayna-release --bench push
