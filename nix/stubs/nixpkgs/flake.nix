{
  description = "Stand-in for NixOS/nixpkgs, branch nixos-26.05: the names that the flake uses, and no others";

  outputs = _:
    let
      lib = import ./lib.nix // import ./modules.nix lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]
        (system: import ./packages.nix { inherit lib system; });
    in
    {
      inherit legacyPackages;
      # flake.nix, which adds this one to the library
      lib = lib // { nixosSystem = import ./nixos.nix { inherit lib legacyPackages; }; };
    };
}
