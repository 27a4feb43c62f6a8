# `nix develop`: the toolchain that releases are built with, and what a contributor calls by hand.
{ mkShell, toolchain, nixpkgs-fmt, deadnix, git-cliff, skopeo, cachix, cargo-deny, cargo-nextest, pkg-config, actionlint, zizmor }:
mkShell {
  packages = [ toolchain nixpkgs-fmt deadnix git-cliff skopeo cachix cargo-deny cargo-nextest pkg-config actionlint zizmor ];
  # nixpkgs sets it to 1980; a release has the time of its commit.
  shellHook = "unset SOURCE_DATE_EPOCH";
}
