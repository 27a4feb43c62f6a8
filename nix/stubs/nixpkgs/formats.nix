# pkgs/pkgs-lib/formats.nix, yaml_1_1: of its values, those that JSON has too.
{ lib, runCommand }:
let
  inherit (builtins) all attrNames attrValues elem isAttrs isList toJSON typeOf;

  type = {
    name = "YAML 1.1 value";
    check = value:
      if isAttrs value then all type.check (attrValues value)
      else if isList value then all type.check value
      else elem (typeOf value) [ "null" "bool" "int" "float" "string" ];
    inherit (lib.types.nullOr type) merge;
  };

  block = indent: value: lib.concatMapStrings
    (name:
      let inner = value.${name}; in
      if isAttrs inner && inner != { } then "${indent}${name}:\n${block "${indent}  " inner}" else "${indent}${name}: ${toJSON inner}\n")
    (attrNames value);
in
{
  yaml = {}: {
    inherit type;
    generate = name: value: runCommand name { } "printf %s ${lib.escapeShellArg (block "" value)} > $out";
  };
}
