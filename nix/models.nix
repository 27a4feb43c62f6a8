# The model files that lie beside the server: those that detect speech and the end of a turn, which are small. What
# `local` needs is fetched by `sayna init`: it is large, and who takes the voice should have read its terms.
{ lib, fetchurl, runCommand, table, target }:
let
  beside = builtins.filter (model: model.image or false && builtins.elem model.for target.features) table.models;
  install = model: ''
    install -D -m 444 ${fetchurl { inherit (model) url sha256; }} $out/${lib.escapeShellArg model.name}
  '';
in
if beside == [ ] then null
else runCommand "${table.release.name}-models" { } (lib.concatMapStrings install beside)
