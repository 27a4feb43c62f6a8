{
  description = "Stand-in for numtide/flake-utils: eachSystem alone (lib.nix of its default branch)";

  outputs = _: {
    lib.eachSystem = systems: f:
      assert builtins.isList systems && builtins.all builtins.isString systems;
      let
        # { packages = …; } of each system becomes { packages.<system> = …; }.
        add = all: system:
          builtins.foldl' (sum: name: sum // { ${name} = (sum.${name} or { }) // { ${system} = (f system).${name}; }; }) all (builtins.attrNames (f system));
      in
      builtins.foldl' add { } systems;
  };
}
