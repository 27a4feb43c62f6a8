# `nix develop`: the toolchain of releases, and the tools that contributors call by hand.
{ mkShell, toolchain, nixpkgs-fmt, deadnix, git-cliff, skopeo, cachix, cargo-deny, cargo-nextest, pkg-config, actionlint, zizmor }:
mkShell {
  packages = [ toolchain nixpkgs-fmt deadnix git-cliff skopeo cachix cargo-deny cargo-nextest pkg-config actionlint zizmor ];
  # nixpkgs sets it to 1980. A release uses the time of its commit.
  shellHook = "unset SOURCE_DATE_EPOCH";
}
