# The module system as far as nix/module.nix uses it: lib/options.nix, lib/modules.nix and lib/types.nix of nixos-26.05. Stricter:
# two definitions of one value are an error even where they agree, and a type that is not here does not exist.
lib:
let
  inherit (builtins) all attrNames concatLists concatMap filter foldl' head isAttrs isFunction isInt isList isString length map
    mapAttrs match removeAttrs substring typeOf zipAttrsWith;
  at = lib.concatStringsSep ".";
  isOption = value: value._type or null == "option";
  isIf = value: value._type or null == "if";

  # Removes `mkIf` from a value.
  discharge = value: if !isIf value then [ value ] else if value.condition then discharge value.content else [ ];
  # A condition may depend on other options, so it moves inwards, a level at a time, and is asked only at the values.
  push = value:
    let inner = push value.content; in
    if !isIf value then value
    else if isAttrs inner && !isIf inner then mapAttrs (_: lib.mkIf value.condition) inner
    else value // { content = inner; };
  # { name = every definition of it; }
  named = path: values:
    if all isAttrs values then zipAttrsWith (_: found: found) (map push values)
    else throw "${at path} must be a set, it is a ${typeOf (head (filter (value: !isAttrs value) values))}";

  # A type checks what it is given, and makes one value of all definitions.
  one = name: check: {
    inherit name check;
    merge = path: values:
      if length values > 1 then throw "The option `${at path}' is defined ${toString (length values)} times."
      else if check (head values) then head values
      else throw "A definition for option `${at path}' is not of type `${name}': it is a ${typeOf (head values)}";
  };
  types = {
    bool = one "boolean" builtins.isBool;
    str = one "string" isString;
    package = one "package" lib.isDerivation;
    ints.between = low: high: one "integer between ${toString low} and ${toString high}" (value: isInt value && low <= value && value <= high);
    port = types.ints.between 0 65535;
    # No path of Nix: that would be copied to the store.
    externalPath = one "absolute path, not in the Nix store"
      (value: isString value && match "/.*" value != null && substring 0 (builtins.stringLength builtins.storeDir) value != builtins.storeDir);
    nullOr = type: one "null or ${type.name}" (value: value == null || type.check value);
    listOf = type: {
      name = "list of ${type.name}";
      check = isList;
      merge = path: values:
        let list = concatLists values; in
        if all type.check list then list else throw "A definition for option `${at path}' is not of type `list of ${type.name}'";
    };
    attrsOf = type: {
      name = "attribute set of ${type.name}";
      check = isAttrs;
      merge = path: values:
        let wanted = mapAttrs (_: concatMap discharge) (named path values); in
        mapAttrs (name: type.merge (path ++ [ name ])) (removeAttrs wanted (filter (name: wanted.${name} == [ ]) (attrNames wanted)));
    };
    submodule = { options ? { }, freeformType ? null }: {
      name = "submodule";
      check = isAttrs;
      merge = tree freeformType options;
    };
  };

  # The values of a set of options: every one, from all that define it, else from its default.
  tree = freeformType: options: path: values:
    let
      found = named path values;
      value = name: option:
        let
          here = path ++ [ name ];
          wanted = concatMap discharge (found.${name} or [ ]);
          missing = throw "The option `${at here}' was accessed but has no value defined. Try setting the option.";
        in
        if isOption option then option.type.merge here (if wanted == [ ] then [ (option.default or missing) ] else wanted)
        else tree freeformType option here (found.${name} or [ ]);
      other = name: values:
        if freeformType == null then throw "The option `${at (path ++ [ name ])}' does not exist."
        else freeformType.merge (path ++ [ name ]) (concatMap discharge values);
      others = removeAttrs found (attrNames options);
    in
    # Evaluated at once: an option that does not exist is an error even if no code reads it.
    assert freeformType != null || others == { } || other (head (attrNames others)) [ ];
    mapAttrs value options // mapAttrs other others;

  # Two modules may declare options below one name.
  join = a: b: a // mapAttrs (name: value: if a ? ${name} && !(isOption value) then join a.${name} value else value) b;
in
{
  inherit types;
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkOption = { type, description, ... }@option:
    let unknown = removeAttrs option [ "type" "description" "default" "defaultText" "example" ]; in
    assert isString description && type ? merge && type ? check;
    if unknown == { } then option // { _type = "option"; } else throw "mkOption: no argument ${toString (attrNames unknown)}";
  mkEnableOption = what: lib.mkOption { type = types.bool; default = false; description = "Whether to enable ${what}."; };
  literalExpression = text: assert isString text; { _type = "literalExpression"; inherit text; };

  evalModules = { modules, specialArgs }:
    let
      full = module:
        let unknown = removeAttrs module [ "options" "config" ]; in
        if !(module ? options || module ? config) then { options = { }; config = module; }
        else if unknown == { } then { options = { }; config = { }; } // module
        else throw "a module has options and config, and nothing beside them: ${toString (attrNames unknown)}";
      loaded = map (module: full (if isFunction module then module (specialArgs // { inherit lib config; }) else module)) modules;
      config = tree null (foldl' (sum: module: join sum module.options) { } loaded) [ ] (map (module: module.config) loaded);
    in
    { inherit config; };
}
