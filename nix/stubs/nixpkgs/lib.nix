# The functions of nixpkgs' library that the flake uses. Each is documented where its comment says; looked up at lib/ of nixos-26.05.
let
  inherit (builtins) all elemAt filter functionArgs intersectAttrs isAttrs
    isFunction isList isPath isString map match replaceStrings stringLength substring typeOf;

  # An argument of another type is an error here as it is there, only sooner.
  want = type: what: value:
    if typeOf value == type then value else throw "${what}: wanted a ${type}, got a ${typeOf value}";
  letters = builtins.genList (n: n) 26;
  strings = what: list: if isList list && all (s: isString s || isAttrs s || isPath s) list then list else throw "${what}: wanted a list of strings";
in
rec {
  # trivial.nix, asserts.nix
  version = "26.05-stand-in";
  assertMsg = condition: message: want "bool" "assertMsg" condition || throw message;

  # attrsets.nix
  inherit (builtins) listToAttrs attrNames;
  genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) (want "list" "genAttrs" names));
  nameValuePair = name: value: { inherit name value; };
  optionalAttrs = condition: attrs: if want "bool" "optionalAttrs" condition then want "set" "optionalAttrs" attrs else { };
  mapAttrsToList = f: attrs: map (name: f name attrs.${name}) (attrNames attrs);
  filterAttrs = keep: attrs: listToAttrs (filter (pair: keep pair.name pair.value) (mapAttrsToList nameValuePair attrs));
  isDerivation = value: value.type or null == "derivation";

  # lists.nix
  inherit (builtins) elem any;
  concatLists = builtins.concatLists;
  optional = condition: value: if want "bool" "optional" condition then [ value ] else [ ];
  optionals = condition: list: if want "bool" "optionals" condition then want "list" "optionals" list else [ ];

  # strings.nix, versions.nix
  concatStringsSep = separator: list: builtins.concatStringsSep (want "string" "concatStringsSep" separator) (strings "concatStringsSep" list);
  concatMapStrings = f: list: concatStringsSep "" (map f list);
  optionalString = condition: text: if want "bool" "optionalString" condition then text else "";
  hasSuffix = suffix: text:
    let cut = stringLength text - stringLength suffix; in
    cut >= 0 && substring cut (-1) text == suffix;
  removeSuffix = suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
  toUpper = replaceStrings (map (n: substring n 1 "abcdefghijklmnopqrstuvwxyz") letters) (map (n: substring n 1 "ABCDEFGHIJKLMNOPQRSTUVWXYZ") letters);
  escapeShellArg = text:
    if match "[[:alnum:],._+:@%/-]+" (toString text) != null then toString text
    else "'" + replaceStrings [ "'" ] [ "'\\''" ] (toString text) + "'";
  versionAtLeast = a: b: builtins.compareVersions (want "string" "versionAtLeast" a) (want "string" "versionAtLeast" b) >= 0;
  versions.major = text: elemAt (builtins.splitVersion text) 0;
  versions.majorMinor = text: concatStringsSep "." (let parts = builtins.splitVersion text; in [ (elemAt parts 0) (elemAt parts 1) ]);
  makeBinPath = packages: concatStringsSep ":" (map (package: "${package}/bin") (want "list" "makeBinPath" packages));

  # attrsets.nix: of a package with several outputs; the stand-ins have one.
  getLib = package: package.lib or package;

  # meta.nix: with no mainProgram the real one warns; here it is an error.
  getExe = package: "${package}/bin/${package.meta.mainProgram or (throw "getExe: ${package.name} has no meta.mainProgram")}";

  # licenses.nix
  licenses.asl20 = { shortName = "asl20"; spdxId = "Apache-2.0"; free = true; };

  # customisation.nix: a set of packages in which each finds the others by name.
  callPackageWith = scope: file: own:
    let
      f = if isFunction file then file else import file;
      args = functionArgs f;
      missing = filter (name: !args.${name} && !(scope ? ${name}) && !(own ? ${name})) (attrNames args);
      unknown = filter (name: !(args ? ${name})) (attrNames own);
    in
    if missing != [ ] then throw "callPackage: ${toString file} wants ${toString missing}, which nixpkgs and this scope do not have"
    else if unknown != [ ] then throw "callPackage: ${toString file} takes no ${toString unknown}"
    else
      let made = f (intersectAttrs args scope // own); in
      # What can be overridden says so, in sets that are no derivations too.
      if isAttrs made then made // { override = new: callPackageWith scope f (own // new); overrideDerivation = _: throw "overrideDerivation is deprecated"; } else made;
  makeScope = newScope: f:
    let
      # Members named so are hidden by the scope's own: an error here, a surprise there.
      own = f self;
      hidden = filter (name: own ? ${name}) [ "newScope" "overrideScope" "packages" ];
      self = { callPackage = self.newScope { }; } // own // {
        newScope = extra: newScope (self // extra);
        overrideScope = g: makeScope newScope (final: let before = f final; in before // g final before);
        packages = f;
      };
    in
    if hidden == [ ] then self else throw "makeScope: ${toString hidden} would be hidden by the scope's own";

  # fileset/default.nix: files that are missing are errors; the store path is named `source` and has nothing else in it.
  fileset = {
    unions = sets: concatLists (map (set: if isList set then set else if builtins.pathExists set then [ set ] else throw "fileset.unions: ${toString set} does not exist") sets);
    toSource = { root, fileset }:
      let
        wanted = map toString (if isList fileset then fileset else [ fileset ]);
        under = folder: path: path == folder || substring 0 (stringLength folder + 1) path == folder + "/";
      in
      rec {
        origSrc = root;
        filter = path: type: any (file: under file path) wanted || (type == "directory" && any (file: under path file) wanted);
        outPath = builtins.path { name = "source"; path = root; inherit filter; };
      };
  };
}
