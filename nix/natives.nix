# The native inputs of the table: selects those of a set of features, and checks that each fits the locked crates.
{ lib, table, target }:
let
  fits = native:
    let locked = table.locked native.crate; in
    if !(native ? crate) || locked == null || locked == native.crate_version then native
    else
      throw ''
        sayna-release.toml: ${native.name} ${native.version} belongs to ${native.crate} ${native.crate_version}, but Cargo.lock has ${locked}.
        Look up what ${native.crate} ${locked} wants, and change version, crate_version and sha256 of that [[native]] together.'';

  named = name:
    let found = builtins.filter (native: native.name == name) (table.native or [ ]); in
    if found == [ ] then throw "sayna-release.toml has no [[native]] named ${name}" else fits (builtins.head found);

  needed = features: map fits (builtins.filter (native: lib.elem native.for features) (table.native or [ ]));

  sha256 = native:
    let sum = native.sha256.${target.triple} or null; in
    if sum == null then throw "sayna-release.toml: ${native.name} has no sha256 for ${target.triple}, so that target cannot have the feature ${native.for}"
    else if sum == "" then throw "sayna-release.toml: the sha256 of ${native.name} for ${target.triple} is empty; `nix store prefetch-file ${url native}` prints it"
    else sum;

  url = native: builtins.replaceStrings [ "{name}" ] [ (native.names.${target.triple} or "") ] native.url;
  # The file of its download that has the licences of its contents. `sayna-release package` reads it.
  licences = native: lib.optional (native ? licences) native.licences;
in
{
  inherit named needed sha256 url licences;
}
