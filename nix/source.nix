# The files that each thing is built from, and no others: a change in README.md or docs/ rebuilds no binary.
{ lib, table }:
let
  of = files: lib.fileset.toSource { root = ../.; fileset = lib.fileset.unions files; };
  # Cargo reads the manifest of every member of the workspace, and wants what it names to be there.
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
  # Beside the code: what the tests of the server read.
  tests = of (server ++ [ ../tests ../examples ../docs ../README.md ../config.example.yaml ../fuzz/corpus ../fuzz/fuzz_targets ../sayna-release.toml ]);
  # Beside the code: what is packed.
  archive = of (tools ++ [ ../deny.toml ] ++ map (file: ../. + "/${file}") table.release.files);
  lints = of (tools ++ [ ../tests ../release/tests ../docs/use/providers.md ../config.example.yaml ../deny.toml ../clippy.toml ../rustfmt.toml ]);
  nix = of [ ../flake.nix ../nix ];
}
