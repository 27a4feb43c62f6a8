{
  description = "Sayna, a real-time voice server, and everything that releases it";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    # For its C library and libstdc++ alone: what is linked over glibc 2.34 runs on every system since then.
    nixpkgs-floor.url = "github:NixOS/nixpkgs/nixos-22.05";
    crane.url = "github:ipetkov/crane";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    flake-utils.url = "github:numtide/flake-utils";
    nix2container = {
      url = "github:nlewo/nix2container";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  # Each output is a line; the work is in nix/, and what a release consists of is in sayna-release.toml.
  outputs = { self, flake-utils, ... }@inputs:
    flake-utils.lib.eachSystem (import ./nix/table.nix).systems (system: (import ./nix { inherit self inputs system; }).outputs)
    // {
      overlays.default = final: _: { sayna = self.packages.${final.stdenv.hostPlatform.system}.sayna-full; };
      nixosModules.default = import ./nix/module.nix self;
    };
}
