# The compiler of releases, in the version that sayna-release.toml names.
{ pkgs, inputs, table }:
let
  inherit (table.release) toolchain;
  versions = (inputs.rust-overlay.lib.mkRustBin { } pkgs).stable;
in
(versions.${toolchain} or (throw "sayna-release.toml: release.toolchain is ${toolchain}, which the locked rust-overlay does not have; `nix flake update rust-overlay` brings newer ones"))
# Never rust-src: with it, paths of this machine replace those of the standard library.
.minimal.override { extensions = [ "clippy" "rustfmt" ]; }
