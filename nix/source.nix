# The source files of each output, and no others. A change in README.md or docs/ does not rebuild a binary.
{ lib, table }:
let
  of = files: lib.fileset.toSource { root = ../.; fileset = lib.fileset.unions files; };
  # Cargo reads the manifest of every member of the workspace, and requires the files that it names.
  server = [
    ../Cargo.toml
    ../Cargo.lock
    ../build.rs
    ../models.json
    ../src
    ../benches
    ../release/Cargo.toml
    ../release/src/main.rs
    ../release/src/lib.rs
    ../release/benches
    ../tests/vendors/Cargo.toml
    ../tests/vendors/src/lib.rs
  ];
  tools = server ++ [ ../release/src ../sayna-release.toml ];
in
{
  server = of server;
  tools = of tools;
  # The code, and the files that the tests of the server read.
  tests = of (server ++ [ ../tests ../examples ../docs ../README.md ../config.example.yaml ../fuzz/corpus ../fuzz/fuzz_targets ../packaging ../sayna-release.toml ]);
  # The code, and the files that are packed.
  archive = of (tools ++ [ ../deny.toml ] ++ map (file: ../. + "/${file}") (table.release.files ++ builtins.concatMap (product: product.files) table.products));
  lints = of (tools ++ [ ../tests ../release/tests ../docs/use/providers.md ../config.example.yaml ../deny.toml ../clippy.toml ../rustfmt.toml ]);
  nix = of [ ../flake.nix ../nix ];
}
