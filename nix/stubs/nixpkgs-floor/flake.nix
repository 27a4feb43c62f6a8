{
  description = "Stand-in for NixOS/nixpkgs, branch nixos-22.11: its gcc 12, glibc 2.35 and glib";

  outputs = _:
    let
      package = system: pname: version: script: derivation
        {
          name = "${pname}-${version}";
          inherit system;
          builder = "/bin/bash";
          args = [ "-ec" "PATH=/usr/bin; mkdir $out; cd $out; ${script}" ];
        } // { inherit pname version; };

      packages = system:
        let
          # The machine's: with the loader and the run path of the store, as the real ones leave them in what they link.
          libc = package system "glibc" "2.35-224" "mkdir lib; cp /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/lib{c,m,gcc_s,pthread,dl,rt}.so.? lib/";
          compiler = package system "gcc-wrapper" "12.2.0" ''
            mkdir bin
            ln -s /usr/bin/{ar,ld} bin/
            for tool in cc c++ gcc g++; do
              printf '#!/bin/sh\nexec /usr/bin/%s "$@" %s\n' $tool "-Wl,--dynamic-linker=${libc}/lib/ld-linux-x86-64.so.2 -Wl,-rpath,${libc}/lib" > bin/$tool
              chmod +x bin/$tool
            done
          '';
        in
        {
          # pkgs/top-level/all-packages.nix of that branch: `gcc12Stdenv = overrideCC gccStdenv buildPackages.gcc12`.
          # Its mkDerivation passes an `env` on as it is, which derivations refuse (NixOS/nixpkgs#214264).
          gcc12Stdenv = {
            mkDerivation = a: if a ? env then throw "nixpkgs 22.11: mkDerivation knows no env" else package system a.pname a.version "";
            cc = compiler // { cc = package system "gcc" "12.2.0" "mkdir lib"; inherit libc; };
          };
          glib = package system "glib" "2.74.3" "";
        };
    in
    {
      legacyPackages = builtins.listToAttrs (map (name: { inherit name; value = packages name; })
        [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]);
    };
}
