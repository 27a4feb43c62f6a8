# What `nix flake check` holds this system to.
{ lib, runCommand, closureInfo, deadnix, nixpkgs-fmt, source, table, sayna, sayna-full, archive, release }:
let
  server = sayna-full.crate;
  tools = release.crate;
  inherit (server) crane;
in
{
  build = sayna;
  inherit archive;
  clippy = crane.cargoClippy (server.args // { src = source.lints; cargoClippyExtraArgs = "--all-targets -- -D warnings"; });
  clippy-release = crane.cargoClippy (tools.args // { src = source.lints; cargoClippyExtraArgs = "--lib --bins -- -D warnings"; });
  fmt = crane.cargoFmt { inherit (server.args) pname version; src = source.lints; cargoExtraArgs = "--all"; };
  tests = crane.cargoTest (server.args // { src = source.tests; });
  # Its tests from outside need Git, a history and minutes; .ci/run has them.
  tests-release = crane.cargoTest (tools.args // { cargoTestExtraArgs = "--lib"; });
  deny = crane.cargoDeny { inherit (server.args) pname version cargoVendorDir; src = source.lints; };

  audit = runCommand "${table.release.name}-audit" { } ''
    ${lib.getExe release} --root ${release.table} audit ${sayna}/bin/${table.release.name} | tee $out
  '';

  # What the image brings along: one C library, and nothing that one only needs to build.
  closure = runCommand "${table.release.name}-closure" { } ''
    paths=${closureInfo { rootPaths = [ sayna-full ]; }}/store-paths
    if grep -E -- '-dev$|-(gcc|clang|rust|cargo|binutils)(-wrapper)?-[0-9.]+$' "$paths"; then
      echo "closure: these are needed to build Sayna, not to run it" >&2
      exit 1
    fi
    test "$(grep -cE -- '-glibc-[0-9.-]+$' "$paths")" -le 1 || { grep glibc "$paths"; echo "closure: more than one glibc" >&2; exit 1; }
    sort "$paths" > $out
  '';

  nix = runCommand "${table.release.name}-nix" { nativeBuildInputs = [ deadnix nixpkgs-fmt ]; } ''
    cd ${source.nix}
    deadnix --fail .
    nixpkgs-fmt --check .
    touch $out
  '';
}
