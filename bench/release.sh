#!/usr/bin/env bash
# Times package, checksum, SBOM, image and publish against what one would write by hand, on the same files and in the
# same run, and the second publish against the first. Needs GNU tar, gzip, sha256sum and skopeo (.ci/setup).
# The work is in release/benches/release.rs. RUNS=n (default 5): the best of n counts.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo bench --locked --quiet -p sayna-release --bench release
