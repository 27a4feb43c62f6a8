# The model files beside the server: the small ones, which detect speech and the end of a turn. `sayna init` downloads the files
# of `local`, because they are large, and because users of the voice should read its terms first.
{ lib, fetchurl, runCommand, table, target }:
let
  beside = builtins.filter (model: model.image or false && builtins.elem model.for target.features) table.models;
  install = model: ''
    install -D -m 444 ${fetchurl { inherit (model) url sha256; }} $out/${lib.escapeShellArg model.name}
  '';
in
if beside == [ ] then null
else runCommand "${table.release.name}-models" { } (lib.concatMapStrings install beside)
