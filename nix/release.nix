# `sayna-release` with the tools that it calls, and no others.
{ lib, runCommand, makeWrapper, crate, toolchain, nix, git, table, stdenv }:
let
  tools = crate { package = "${table.release.name}-release"; profile = "dev"; };
  unwrapped = tools.package;
in
runCommand "${table.release.name}-release-${table.version}"
{
  nativeBuildInputs = [ makeWrapper ];
  passthru = {
    inherit unwrapped;
    crate = tools;
    # A folder with the table only, for calls outside of a checkout.
    table = lib.fileset.toSource { root = ../.; fileset = ../sayna-release.toml; };
  };
  inherit (unwrapped) meta;
} ''
  makeWrapper ${lib.getExe unwrapped} $out/bin/${unwrapped.meta.mainProgram} \
    --prefix PATH : ${lib.makeBinPath [ toolchain stdenv.cc nix git ]}
''
