{
  description = "Stand-in for nlewo/nix2container: buildLayer and buildImage with their documented arguments (default.nix, README.md)";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs";

  outputs = { nixpkgs, ... }: {
    packages = nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]
      (system: { nix2container = import ./build.nix nixpkgs.legacyPackages.${system}; });
  };
}
