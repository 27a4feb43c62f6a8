# The files that each thing is built from, and no others: a change in README.md or docs/ rebuilds no binary.
{ lib, table }:
let
  of = files: lib.fileset.toSource { root = ../.; fileset = lib.fileset.unions files; };
  rust = [ ../Cargo.toml ../Cargo.lock ../sayna-release.toml ../src ../release/Cargo.toml ../release/src ../release/benches ];
in
{
  rust = of rust;
  # Beside the code: what the tests of the server read.
  tests = of (rust ++ [ ../tests ../README.md ../config.example.yaml ../fuzz/corpus/config ]);
  # Beside the code: what is packed.
  archive = of (rust ++ [ ../deny.toml ] ++ map (file: ../. + "/${file}") table.release.files);
  lints = of (rust ++ [ ../tests ../release/tests ../config.example.yaml ../deny.toml ../clippy.toml ../rustfmt.toml ]);
  nix = of [ ../flake.nix ../nix ];
}
