{
  description = "Stand-in for NixOS/nixpkgs, branch nixos-22.05: its glibc 2.34, gcc 11 and glib";

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
          gcc = package system "gcc" "11.3.0" "mkdir lib; ln -s /floor/usr/lib/gcc/x86_64-linux-gnu/10/libstdc++.a lib/";
        in
        {
          # pkgs/development/libraries/glibc of that branch is 2.34. This is Debian's of what the sandbox shows as /floor, which is
          # older: what is linked over it runs on more systems than the real one's.
          glibc = package system "glibc" "2.34-210" "mkdir lib; cp -L /floor/lib64/ld-linux-x86-64.so.2 /floor/lib/x86_64-linux-gnu/lib{c,m,gcc_s,pthread,dl,rt}.so.? lib/";
          # pkgs/top-level/all-packages.nix of that branch: `gcc11 = lowPrio (wrapCC (callPackage ../development/compilers/gcc/11 …))`.
          gcc11 = package system "gcc-wrapper" "11.3.0" "" // { cc = gcc; };
          # Its mkDerivation passes an `env` on as it is, which derivations refuse (NixOS/nixpkgs#214264).
          stdenv.mkDerivation = a: if a ? env then throw "nixpkgs 22.05: mkDerivation knows no env" else package system a.pname a.version "";
          glib = package system "glib" "2.72.3" "" // { dev = package system "glib" "2.72.3-dev" ""; };
        };
    in
    {
      legacyPackages = builtins.listToAttrs (map (name: { inherit name; value = packages name; })
        [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]);
    };
}
