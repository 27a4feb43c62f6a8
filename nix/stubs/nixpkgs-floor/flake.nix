{
  description = "Stand-in for NixOS/nixpkgs, branch nixos-22.11: its gcc 12, glibc 2.35 and glib";

  outputs = _: {
    legacyPackages = builtins.listToAttrs (map
      (system: {
        name = system;
        value =
          let
            named = pname: version: derivation
              {
                name = "${pname}-${version}";
                inherit system;
                builder = "/bin/bash";
                args = [ "-c" "/usr/bin/mkdir -p $out/lib $out/bin" ];
              } // { inherit pname version; };
          in
          {
            # pkgs/top-level/all-packages.nix of that branch: `gcc12Stdenv = overrideCC gccStdenv buildPackages.gcc12`.
            # Its mkDerivation passes an `env` on as it is, which derivations refuse (NixOS/nixpkgs#214264).
            gcc12Stdenv = {
              mkDerivation = a: if a ? env then throw "nixpkgs 22.11: mkDerivation knows no env" else named a.pname a.version;
              cc = named "gcc-wrapper" "12.2.0" // {
                cc = named "gcc" "12.2.0";
                libc = named "glibc" "2.35-224";
              };
            };
            glib = named "glib" "2.74.3";
          };
      }) [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]);
  };
}
