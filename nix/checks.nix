# The checks that `nix flake check` runs on this system.
{ lib, stdenv, runCommand, closureInfo, deadnix, nixpkgs-fmt, source, table, server, sayna, image, portable, archive, release }:
let
  tools = release.crate;
  inherit (server) crane;
in
{
  build = sayna;
  inherit archive;
  clippy = crane.cargoClippy (server.args // { src = source.lints; cargoClippyExtraArgs = "--all-targets -- -D warnings"; });
  clippy-release = crane.cargoClippy (tools.args // { src = source.lints; cargoClippyExtraArgs = "--lib --bins -- -D warnings"; });
  # Checks that compile nothing need no compiler of the floor.
  fmt = tools.crane.cargoFmt { inherit (server.args) pname version; src = source.lints; cargoExtraArgs = "--all"; };
  # The tests listen on sockets. The sandbox of macOS forbids that without this attribute.
  tests = crane.cargoTest (server.args // { src = source.tests; __darwinAllowLocalNetworking = true; });
  # The integration tests need Git, a history and minutes, so .ci/run runs them.
  tests-release = crane.cargoTest (tools.args // { cargoTestExtraArgs = "--lib"; });
  deny = tools.crane.cargoDeny { inherit (server.args) pname version cargoVendorDir; src = source.lints; };

  audit = runCommand "${table.release.name}-audit" { } ''
    ${lib.getExe release} --root ${release.table} audit ${sayna}/bin/${table.release.name} | tee $out
  '';

  nix = runCommand "${table.release.name}-nix" { nativeBuildInputs = [ deadnix nixpkgs-fmt ]; } ''
    cd ${source.nix}
    deadnix --fail .
    nixpkgs-fmt --check .
    touch $out
  '';
}
  // lib.optionalAttrs stdenv.hostPlatform.isLinux {
  # The image contains one C library, and no path that is not listed.
  closure =
    let
      known = [ table.release.name "abseil-cpp" "gcc" "glibc" "libidn2" "libunistring" "nss-cacert" "onnxruntime" "protobuf" "xgcc" "zlib" ];
    in
    runCommand "${table.release.name}-closure" { } ''
      sed 's#^/nix/store/[^-]*-##' ${closureInfo { rootPaths = image.contents; }}/store-paths | sort > $out
      if grep -vE '^(${lib.concatStringsSep "|" known})-' $out || grep -E -- '-(dev|wrapper-[0-9.]+)$|^gcc-[0-9.]+$' $out; then
        echo "closure: these are not among what nix/checks.nix knows the image to need: leave them out of it, or list them" >&2
        exit 1
      fi
      test "$(grep -cE '^glibc-[0-9.-]+$' $out)" = 1 || { echo "closure: not one glibc" >&2; cat $out >&2; exit 1; }
    '';

  # The image's loader finds every library of the released executable.
  loader = runCommand "${table.release.name}-loader" { } ''
    ${stdenv.cc.libc}/lib/${baseNameOf portable.loader} --list ${lib.getExe sayna} | tee $out
    ! grep -F 'not found' $out
  '';
}
