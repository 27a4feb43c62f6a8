# The compiler that releases are built with: exactly the version that sayna-release.toml names.
{ pkgs, inputs, table }:
let
  inherit (table.release) toolchain;
  versions = (inputs.rust-overlay.lib.mkRustBin { } pkgs).stable;
in
(versions.${toolchain} or (throw "sayna-release.toml: release.toolchain is ${toolchain}, which the locked rust-overlay does not have; `nix flake update rust-overlay` brings newer ones"))
# Never rust-src: with it, paths of this machine stand where those of the standard library do.
.minimal.override { extensions = [ "clippy" "rustfmt" ]; }
