{
  description = "Stand-in for oxalica/rust-overlay: lib.mkRustBin and stable toolchains (flake.nix, lib/rust-bin.nix)";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs";

  outputs = _: {
    lib.mkRustBin = { distRoot ? null }: pkgs:
      assert distRoot == null;
      let
        # Profiles and components of the manifests of these versions (manifests/stable/<version>.nix).
        components = [ "clippy" "rustfmt" "rust-src" "rust-analyzer" "llvm-tools" ];
        profile = version: { extensions ? [ ], targets ? [ ], targetExtensions ? [ ], enableLibsecret ? false }@wanted:
          assert pkgs.lib.assertMsg (builtins.all (name: builtins.elem name components) extensions)
            "rust-overlay: a component of ${toString extensions} does not exist";
          assert targets == [ ] && targetExtensions == [ ] && !enableLibsecret;
          pkgs.standIn {
            pname = "rust-minimal";
            inherit version;
            # The machine's own toolchain, which the sandbox shows here.
            script = ''
              mkdir -p $out/bin
              for tool in cargo rustc rustdoc ${toString (map (name: { clippy = "cargo-clippy clippy-driver"; rustfmt = "cargo-fmt rustfmt"; }.${name} or "") extensions)}; do
                printf '#!/bin/sh\nexec /toolchain/bin/%s "$@"\n' $tool > $out/bin/$tool
                chmod +x $out/bin/$tool
              done
            '';
            # lib/mk-aggregated.nix: the C compiler of nixpkgs comes along. This one compiles nothing, so that who lets it in knows.
            propagatedBuildInputs = [
              (pkgs.standIn {
                pname = "propagated-cc";
                script = ''
                  mkdir -p $out/bin
                  for tool in cc c++ gcc g++ ld; do
                    printf '#!/bin/sh\necho "propagated-cc: %s is the one that rust-overlay propagates" >&2\nexit 1\n' $tool > $out/bin/$tool
                    chmod +x $out/bin/$tool
                  done
                '';
              })
            ];
            passthru.override = more: profile version (wanted // more);
          };
      in
      {
        stable = pkgs.lib.genAttrs [ "1.94.0" "1.95.0" "1.96.0" ] (version: { minimal = profile version { }; });
      };
  };
}
