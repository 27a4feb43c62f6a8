#!/usr/bin/env bash
# release.sh: measures package, checksum, SBOM, image and publish, compared with a script by hand on the same files and in the
# same run, and the second publish compared with the first. Needs GNU tar, gzip, sha256sum and skopeo (.ci/setup).
# The code is in release/benches/release.rs. RUNS=n (default 5) takes the best of n.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo bench --locked --quiet -p sayna-release --bench release
