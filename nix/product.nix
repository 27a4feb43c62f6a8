# A program that is released beside the server: compiled as the server is, over the same floor, without features.
{ archiveOf, crate, portable }:
name:
let
  compiled = crate {
    package = name;
    compiler = portable.stdenv;
    glib' = portable.glib;
    inherit (portable) env rustflags;
  };
  program = portable.package compiled.package;
in
{
  inherit program;
  archive = archiveOf { inherit program; crate = compiled; };
}
