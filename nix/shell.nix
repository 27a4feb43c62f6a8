# `nix develop`: the toolchain that releases are built with, and what a contributor calls by hand.
{ mkShell, toolchain, nixpkgs-fmt, deadnix, git-cliff, skopeo, cachix, cargo-deny, cargo-nextest, pkg-config, actionlint, zizmor }:
mkShell {
  packages = [ toolchain nixpkgs-fmt deadnix git-cliff skopeo cachix cargo-deny cargo-nextest pkg-config actionlint zizmor ];
}
