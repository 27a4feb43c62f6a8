# The phases of a stand-in build, in the order and with the hooks of nixpkgs' stdenv (its manual, "Phases").
set -euo pipefail
export HOME=/homeless-shelter TMPDIR=$NIX_BUILD_TOP LC_ALL=C
PATH=/usr/bin:/bin
preBuildHooks=() postPatchHooks=() preConfigureHooks=() propagated=()
# The real one puts the first input before the others, and what an input propagates behind it, before the default compiler.
all=()
for input in ${nativeBuildInputs:-}; do
  all+=("$input")
  [ ! -f "$input/nix-support/propagated-build-inputs" ] || read -ra propagated <"$input/nix-support/propagated-build-inputs"
  all+=("${propagated[@]}")
  propagated=()
done
path=
for input in "${all[@]}"; do
  path=$path$input/bin:
  # shellcheck disable=SC1091
  [ ! -f "$input/nix-support/setup-hook" ] || . "$input/nix-support/setup-hook"
done
PATH=$path$PATH
export PATH

runHook() {
  local list="${1}Hooks[@]" hook
  for hook in "${!list-}"; do [ -z "$hook" ] || eval "$hook"; done
  eval "${!1:-}"
}

unpackPhase() {
  if [ -d "$src" ]; then
    cp -R "$src" "$NIX_BUILD_TOP/${src:44}"
  elif [[ $src == *.zip ]]; then
    unzip -q "$src" -d "$NIX_BUILD_TOP/unpacked"
  else
    echo "stand-in: cannot unpack $src" >&2
    exit 1
  fi
  chmod -R u+w "$NIX_BUILD_TOP"
  # The one folder that is there now.
  cd "$NIX_BUILD_TOP"
  local folders=(*/)
  [ ${#folders[@]} = 1 ] || { echo "stand-in: unpacker found ${folders[*]}" >&2; exit 1; }
  cd "${folders[0]}"
  # A zip of one folder.
  if [[ $src == *.zip ]]; then folders=(*/); [ ${#folders[@]} != 1 ] || cd "${folders[0]}"; fi
}
patchPhase() { runHook postPatch; }
configurePhase() { runHook preConfigure; runHook postConfigure; }
buildPhase() { runHook preBuild; runHook postBuild; }
checkPhase() { runHook preCheck; runHook postCheck; }
installPhase() { runHook preInstall; runHook postInstall; }

for phase in unpack patch configure build check install; do
  [ "$phase" != unpack ] || [ -z "${dontUnpack:-}" ] || continue
  [ "$phase" != unpack ] || [ -n "${src:-}" ] || continue
  [ "$phase" != check ] || [ -n "${doCheck:-}" ] || continue
  variable=${phase}Phase
  echo "== $phase =="
  if [ -n "${!variable:-}" ]; then eval "${!variable}"; else "$variable"; fi
done

# Of the real fixupPhase: what comes along with a package stands beside it.
if [ -n "${propagatedBuildInputs:-}" ]; then
  mkdir -p "$out/nix-support"
  echo "$propagatedBuildInputs" >"$out/nix-support/propagated-build-inputs"
fi
