# All outputs of the flake for one system, in one scope. An override here applies everywhere.
{ self, inputs, system }:
let
  pkgs = inputs.nixpkgs.legacyPackages.${system};
  # Not from the packages: flake-utils queries the names of the outputs per system, which must not evaluate nixpkgs four times.
  inherit (inputs.nixpkgs) lib;
  isLinux = lib.hasSuffix "-linux" system;
in
lib.makeScope pkgs.newScope (scope: {
  inherit inputs self pkgs;
  table = import ./table.nix;
  target = scope.table.targetOf system;
  # The time of the commit. Archives and images carry it instead of the time of the build.
  epoch = self.lastModified;
  date = self.lastModifiedDate;
  # A tree with uncommitted changes may be built. Its outputs name the commit below the changes.
  revision = lib.removeSuffix "-dirty" (self.rev or self.dirtyRev or "unknown");

  source = scope.callPackage ./source.nix { };
  toolchain = scope.callPackage ./toolchain.nix { };
  natives = scope.callPackage ./natives.nix { };
  libwebrtc = scope.callPackage ./libwebrtc.nix { };
  onnxruntime = scope.callPackage ./onnxruntime.nix { inherit (pkgs) onnxruntime; };
  models = scope.callPackage ./models.nix { };
  portable = scope.callPackage ./portable.nix { floor = inputs.nixpkgs-floor.legacyPackages.${system}; };
  crate = scope.callPackage ./crate.nix { };
  release = scope.callPackage ./release.nix { };
  inherit (scope.callPackage ./sayna.nix { }) server sayna sayna-full sayna-image;
  archiveOf = scope.callPackage ./archive.nix { };
  archive = scope.archiveOf { program = scope.sayna; crate = scope.server; inherit (scope.target) features; };
  product = scope.callPackage ./product.nix { };
  # For each product of the table: the released file, and its archive.
  products = lib.listToAttrs (builtins.concatMap
    ({ name, ... }:
      let built = scope.product name; in [
        (lib.nameValuePair name built.program)
        (lib.nameValuePair "${name}-archive" built.archive)
      ])
    scope.table.products);
  image = scope.callPackage ./image.nix { inherit (inputs.nix2container.packages.${system}) nix2container; };
  checks = scope.callPackage ./checks.nix { };
  shell = scope.callPackage ./shell.nix { };

  outputs = {
    packages = {
      inherit (scope) sayna sayna-full archive libwebrtc onnxruntime release;
      default = scope.sayna;
    } // scope.products // lib.optionalAttrs isLinux { inherit (scope) image; };

    # With the loader of the store, because NixOS has no loader in /lib64.
    apps = lib.genAttrs [ "default" "sayna" ] (_: scope.app scope.sayna-full) // { release = scope.app scope.release; };
    # callPackage adds `override` and similar attributes to its result.
    checks = lib.filterAttrs (_: lib.isDerivation) scope.checks;
    devShells.default = scope.shell;
    formatter = pkgs.nixpkgs-fmt;
  };
  app = package: { type = "app"; program = lib.getExe package; meta = { inherit (package.meta) description; }; };
})
