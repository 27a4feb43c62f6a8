{
  description = "Stand-in for ipetkov/crane: the functions that the flake uses (lib/default.nix, docs/API.md)";
  outputs = _: { mkLib = import ./lib.nix; };
}
