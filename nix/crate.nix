# One package of the workspace with one set of features: the dependencies, built once, and the builds on top of them.
{ lib, pkgs, stdenv, inputs, toolchain, source, table, target, natives, libwebrtc, release, pkg-config, glib }:
let
  # rust-overlay's toolchain propagates the C compiler of nixpkgs, which precedes any other in PATH. Cargo would link with it.
  bare = toolchain.overrideAttrs (_: { depsHostHostPropagated = [ ]; propagatedBuildInputs = [ ]; });
  plain = (inputs.crane.mkLib pkgs).overrideToolchain bare;
  # The same for every compiler and feature set.
  cargoVendorDir = plain.vendorCargoDeps { src = source.server; };
  inherit (stdenv.hostPlatform) isLinux isDarwin;
  packages = { inherit libwebrtc; };
in
{ package
  # A profile of Cargo.toml. Tools that only build releases use the profile that compiles fastest.
, profile ? "release"
, features ? [ ]
, compiler ? stdenv
, glib' ? glib
, env ? { }
, rustflags ? [ ]
}:
let
  crane = plain.overrideScope (_: _: { stdenvSelector = _: compiler; });
  linked = builtins.filter (native: native ? url) (natives.needed features);
  # The path of each native input, in the variable that its crate and `sayna-release package` read.
  linkedAt = lib.listToAttrs (map (native: lib.nameValuePair native.env "${packages.${native.name}}") linked);
  withWebrtc = lib.any (native: native.name == "libwebrtc") linked;

  # The same mapping as in the builder `cargo`. On macOS the name of the build folder changes with each build, which would
  # invalidate the shared dependencies. The audit shows that the binary does not contain it there.
  remap = lib.optional isLinux { from = "/build/source"; to = table.build.remap.source; }
    ++ [{ from = cargoVendorDir; to = table.build.remap.cargo; }];
  flag = name: map ({ from, to }: "${name}${from}=${to}") remap;
  # Headers name themselves in checks at run time.
  cxxRemap = flag "-ffile-prefix-map=" ++ lib.optional withWebrtc "-ffile-prefix-map=${libwebrtc}=/libwebrtc";
  # Named one by one, because PATH contains everything that the inputs propagate.
  tools =
    let name = builtins.replaceStrings [ "-" ] [ "_" ] target.triple; in {
      "CARGO_TARGET_${lib.toUpper name}_LINKER" = "${compiler.cc}/bin/cc";
      "CC_${name}" = "${compiler.cc}/bin/cc";
      "CXX_${name}" = "${compiler.cc}/bin/c++";
      "AR_${name}" = "${compiler.cc.bintools}/bin/ar";
    };
  os = if isDarwin then "macos" else "linux";
  extra = map (native: native.rustflags.${os} or [ ]) linked;

  args = {
    pname = package;
    inherit (table) version;
    src = if package == table.release.name then source.server else source.tools;
    inherit cargoVendorDir;
    strictDeps = true;
    cargoExtraArgs = "--locked --package ${package} --no-default-features --features '${lib.concatStringsSep "," features}'";
    nativeBuildInputs = lib.optional withWebrtc pkg-config;
    buildInputs = lib.optional (withWebrtc && isLinux) glib';
    env = env // tools // linkedAt // {
      CARGO_PROFILE = profile;
      CARGO_BUILD_RUSTFLAGS = lib.concatStringsSep " "
        (flag "--remap-path-prefix=" ++ (table.build.rustflags.${os} or [ ]) ++ lib.concatLists extra ++ rustflags);
      CFLAGS = lib.concatStringsSep " " (flag "-ffile-prefix-map=");
      CXXFLAGS = lib.concatStringsSep " " cxxRemap;
    };
    # The pinned file is the one that the locked crate would download.
    preBuild = lib.concatMapStrings
      (native: ''
        grep -rqF ${lib.escapeShellArg native.version} ${cargoVendorDir}/*/${native.crate}-${native.crate_version}/ || {
          echo "${native.crate} ${native.crate_version} does not name ${native.version}: sayna-release.toml pins another ${native.name}" >&2
          exit 1
        }
      '')
      linked;
    meta = {
      description = if package == table.release.name then table.description else "Plans, builds, audits, publishes and verifies releases of ${table.release.name}";
      homepage = "https://github.com/${table.forge.github}";
      license = lib.licenses.asl20;
      mainProgram = package;
      platforms = table.systems;
    };
  };
  cargoArtifacts = crane.buildDepsOnly args;
in
{
  inherit crane cargoArtifacts linkedAt;
  args = args // { inherit cargoArtifacts; };
  # Tests are a separate check, so that the binary does not wait for them. Released programs list their crates. The program that
  # makes the list is not released and has none.
  package = crane.buildPackage (args // { inherit cargoArtifacts; doCheck = false; } // lib.optionalAttrs (profile == "release") {
    nativeBuildInputs = args.nativeBuildInputs ++ [ release.unwrapped ];
    preBuild = args.preBuild + ''
      SAYNA_DEP_V0=$(sayna-release crates --package ${package} --target ${target.triple} --features '${lib.concatStringsSep "," features}')
      export SAYNA_DEP_V0
    '';
  });
}
