#!/usr/bin/env bash
# size.sh [REVISION…]: measures the size of the server without features, and the time of a clean compilation, here and at each of
# those revisions. Here the size must be within the table's budget. Releases with features do not check that budget.
set -euo pipefail
cd "$(dirname "$0")/.."
most=$(sed -n 's/^default_binary = "\([0-9]*\) MB".*/\1/p' sayna-release.toml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo fetch --locked --quiet
printf '%-12s %12s %10s\n' '' bytes seconds
for revision in HEAD "$@"; do
  git clone --quiet --shared . "$work/tree"
  git -C "$work/tree" checkout --quiet "$(git rev-parse "$revision")"
  begun=$SECONDS
  (cd "$work/tree" && CARGO_TARGET_DIR=$work/target cargo build --release --locked --quiet --package sayna)
  bytes=$(stat --format %s "$work/target/release/sayna")
  printf '%-12s %12s %10s\n' "$revision" "$bytes" $((SECONDS - begun))
  [ "$revision" != HEAD ] || [ "$bytes" -le $((most * 1000000)) ] || { echo "size: more than the budget of $most MB" >&2; exit 1; }
  rm -rf "$work/tree" "$work/target"
done
