{
  description = "Sayna, a real-time voice server, and everything that releases it";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    # Used for its C library and libstdc++ only. Binaries that are linked over glibc 2.34 run on every newer system.
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

  # One line per output. The work is in nix/, and sayna-release.toml lists the contents of a release.
  outputs = { self, flake-utils, ... }@inputs:
    flake-utils.lib.eachSystem (import ./nix/table.nix).systems (system: (import ./nix { inherit self inputs system; }).outputs)
    // {
      overlays.default = final: _: { sayna = self.packages.${final.stdenv.hostPlatform.system}.sayna-full; };
      nixosModules.default = import ./nix/module.nix self;
    };
}
