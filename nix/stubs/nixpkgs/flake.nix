{
  description = "Stand-in for NixOS/nixpkgs, branch nixos-26.05: the names that the flake uses, and no others";

  outputs = _:
    let lib = import ./lib.nix; in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]
        (system: import ./packages.nix { inherit lib system; });
    };
}
