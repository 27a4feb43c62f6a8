# Reads sayna-release.toml, Cargo.toml and Cargo.lock once. Nothing in nix/ repeats their values.
let
  read = file: meaning:
    if builtins.pathExists file then
      builtins.addErrorContext "while reading ${baseNameOf file}, ${meaning}" (fromTOML (builtins.readFile file))
    else
      throw "${baseNameOf file} is missing: it is ${meaning}";

  table = read ../sayna-release.toml "the table of what a release consists of";
  manifest = read ../Cargo.toml "the package that is released";
  models = builtins.fromJSON (builtins.readFile ../models.json);
  lock = read ../Cargo.lock "the versions that it is built from";

  # The flake's name for the system of a triple. Only targets that Nix builds have one.
  systemOf = triple:
    let
      parts = builtins.match "(x86_64|aarch64)-(unknown-linux-gnu|apple-darwin)" triple;
      os = { unknown-linux-gnu = "linux"; apple-darwin = "darwin"; }.${builtins.elemAt parts 1};
    in
    if parts == null then
      throw "sayna-release.toml: Nix cannot build ${triple}; its targets are {x86_64,aarch64}-{unknown-linux-gnu,apple-darwin}, others have builder = \"cargo\""
    else
      "${builtins.head parts}-${os}";

  # The features and those of the same package that they enable, as Cargo resolves them. Other names are dependencies, or
  # features of dependencies.
  withImplied = features: builtins.sort builtins.lessThan (map (feature: feature.key) (builtins.genericClosure {
    startSet = map (key: { inherit key; }) features;
    operator = { key }: map (key: { inherit key; })
      (builtins.filter (name: (manifest.features or { }) ? ${name}) ((manifest.features or { }).${key} or [ ]));
  }));

  checked = target:
    let system = systemOf target.triple; in
    if target.system or null == system then target // { features = withImplied target.features; }
    else throw "sayna-release.toml: ${target.triple} has system = \"${target.system or ""}\", it must be \"${system}\"";

  targets = map checked (builtins.filter (target: target.builder == "nix") table.target);
in
table // {
  inherit targets models;
  # Programs that are released beside the server.
  products = table.product or [ ];
  inherit (manifest.workspace.package) version license;
  inherit (manifest.package) description;
  systems = map (target: target.system) targets;
  targetOf = system:
    let found = builtins.filter (target: target.system == system) targets; in
    if builtins.length found == 1 then builtins.head found
    else throw "sayna-release.toml has ${toString (builtins.length found)} targets with system = \"${system}\"; it must have one";
  # The version of a crate in Cargo.lock, or null if nothing depends on it.
  locked = name:
    let found = builtins.filter (package: package.name == name) lock.package; in
    if found == [ ] then null else (builtins.head found).version;
}
