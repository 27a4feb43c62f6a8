# Each function takes what crane's takes and refuses the rest.
pkgs:
let
  inherit (pkgs) lib;
  registry = "registry+https://github.com/rust-lang/crates.io-index";

  # lib/mkCargoDerivation.nix, with what its callers pass on; `own` are the caller's own arguments (lib/<name>.nix).
  common = [
    "pname"
    "version"
    "src"
    "cargoVendorDir"
    "strictDeps"
    "cargoExtraArgs"
    "nativeBuildInputs"
    "buildInputs"
    "env"
    "meta"
    "preBuild"
    "dontFixup"
    "__darwinAllowLocalNetworking"
  ];
  checked = what: own: needed: args:
    let
      unknown = builtins.filter (name: !(lib.elem name (common ++ own))) (builtins.attrNames args);
      missing = builtins.filter (name: !(args ? ${name})) ([ "src" ] ++ needed);
    in
    if unknown != [ ] then throw "crane.${what}: no argument ${toString unknown}"
    else if missing != [ ] then throw "crane.${what}: ${toString missing} missing"
    else if !(builtins.isString (args.cargoExtraArgs or "")) then throw "crane.${what}: cargoExtraArgs must be a string"
    else args;

  scope = settings:
    let
      inherit (settings) toolchain stdenvSelector;
      stdenv = stdenvSelector pkgs;
      derivation' = suffix: args: phases: stdenv.mkDerivation ({
        pname = args.pname + suffix;
        inherit (args) version;
        src = args.src;
        nativeBuildInputs = (args.nativeBuildInputs or [ ]) ++ [ toolchain stdenv.cc ];
        buildInputs = args.buildInputs or [ ];
        cargoArtifacts = args.cargoArtifacts or null;
        env = (args.env or { }) // { CARGO_TERM_COLOR = "never"; };
        preConfigure = ''
          export CARGO_HOME=$PWD/.cargo-home CARGO_BUILD_JOBS=$NIX_BUILD_CORES CARGO_PROFILE=''${CARGO_PROFILE-release}
          mkdir -p $CARGO_HOME
          ${lib.optionalString ((args.cargoArtifacts or null) != null) "cp -a ${args.cargoArtifacts}/target . && chmod -R u+w target"}
          ${lib.optionalString ((args.cargoVendorDir or null) != null) "cat ${args.cargoVendorDir}/config.toml > $CARGO_HOME/config.toml"}
        '';
        preBuild = args.preBuild or "";
        meta = args.meta or { };
        # For tests: what must be in the store before anything can be built.
        passthru.vendored = args.cargoVendorDir or null;
      } // phases);
    in
    {
      overrideToolchain = toolchain:
        if lib.isDerivation toolchain || builtins.isFunction toolchain then scope (settings // { toolchain = if builtins.isFunction toolchain then toolchain pkgs else toolchain; })
        else throw "crane.overrideToolchain: wanted a toolchain, or a function from packages to one";

      overrideScope = f:
        let
          change = f { } { };
          unknown = builtins.filter (name: name != "stdenvSelector") (builtins.attrNames change);
        in
        if unknown != [ ] then throw "crane.overrideScope: the stand-in knows stdenvSelector, not ${toString unknown}"
        else if !(builtins.isFunction change.stdenvSelector) then throw "crane: stdenvSelector must be a function from packages to a stdenv"
        else scope (settings // change);

      # lib/vendorCargoDeps.nix: a folder per registry, and what leads Cargo there.
      vendorCargoDeps = { src }:
        let
          packages = (fromTOML (builtins.readFile (src.origSrc + "/Cargo.lock"))).package;
          crates = builtins.filter (package: package ? source) packages;
          crate = { name, version, source, checksum, ... }:
            if source != registry then throw "crane.vendorCargoDeps: ${name} is not from the default registry"
            # Nothing is fetched here: what has this digest is in the store, or the build stops.
            else pkgs.fetchurl { name = "cargo-src-${name}-${version}"; url = "crate:${name}/${version}"; sha256 = checksum; };
          registryFolder = builtins.hashString "sha256" registry;
        in
        pkgs.stdenv.mkDerivation {
          pname = "vendor-cargo-deps";
          version = "0";
          dontUnpack = true;
          installPhase = ''
            mkdir -p $out/${registryFolder}
            cd $out/${registryFolder}
            # Only names: the system bounds how long a script may be that is passed on in a variable.
            for file in ${toString (map crate crates)}; do
              folder=''${file#*-cargo-src-}
              mkdir $folder
              tar -xzf $file -C $folder --strip-components=1 --no-same-owner
              sum=$(sha256sum $file)
              echo '{"files":{},"package":"'"''${sum%% *}"'"}' > $folder/.cargo-checksum.json
            done
            printf '[source.vendored]\ndirectory = "%s"\n[source.crates-io]\nreplace-with = "vendored"\n' $out/${registryFolder} > $out/config.toml
          '';
        };

      # lib/mkDummySrc.nix, in a few lines: the same manifests with nothing behind them, so that no change of code makes other
      # dependencies.
      buildDepsOnly = args:
        let
          inherit (args.src) origSrc filter;
          files = folder: lib.concatLists (map
            (name:
              let file = "${folder}/${name}"; type = (builtins.readDir (origSrc + folder)).${name}; in
              if !(filter (toString origSrc + file) type) then [ ] else if type == "directory" then files file else [ file ])
            (builtins.attrNames (builtins.readDir (origSrc + folder))));
          code = builtins.filter (file: builtins.match ".*[.]rs" file != null) (files "");
          src = builtins.path {
            name = "dummy-src";
            path = origSrc;
            filter = path: type: filter path type && (type == "directory" || builtins.elem (baseNameOf path) [ "Cargo.toml" "Cargo.lock" ]);
          };
        in
        derivation' "-deps" (checked "buildDepsOnly" [ ] [ ] args // { inherit src; }) {
          buildPhase = ''
            for file in ${toString (map (file: ".${file}") code)}; do
              mkdir -p $(dirname $file)
              case $file in */lib.rs) : > $file ;; *) echo 'fn main() {}' > $file ;; esac
            done
            cargo build --profile $CARGO_PROFILE ${args.cargoExtraArgs or "--locked"}
          '';
          installPhase = "mkdir $out; cp -R target $out/";
        };

      buildPackage = args: derivation' "" (checked "buildPackage" [ "cargoArtifacts" "doCheck" ] [ ] args) {
        buildPhase = ''
          runHook preBuild
          profile=$CARGO_PROFILE; [ $profile != dev ] || profile=debug
          cargo build --profile $CARGO_PROFILE ${args.cargoExtraArgs or "--locked"}
          runHook postBuild
        '';
        installPhase = ''
          mkdir -p $out/bin
          find target/$profile -maxdepth 1 -type f -perm /111 ! -name '*.so' -exec cp {} $out/bin/ \;
          runHook postInstall
        '';
      };

      cargoClippy = args: derivation' "-clippy" (checked "cargoClippy" [ "cargoArtifacts" "cargoClippyExtraArgs" ] [ "cargoArtifacts" ] args) {
        buildPhase = "cargo clippy --profile $CARGO_PROFILE ${args.cargoExtraArgs or "--locked"} ${args.cargoClippyExtraArgs or "--all-targets"}";
        installPhase = "mkdir $out";
      };
      cargoTest = args: derivation' "-test" (checked "cargoTest" [ "cargoArtifacts" "cargoTestExtraArgs" ] [ "cargoArtifacts" ] args) {
        buildPhase = "cargo test --profile $CARGO_PROFILE ${args.cargoExtraArgs or "--locked"} ${args.cargoTestExtraArgs or ""}";
        installPhase = "mkdir $out";
      };
      cargoFmt = args: derivation' "-fmt" (checked "cargoFmt" [ "rustFmtExtraArgs" ] [ ] args) {
        buildPhase = "cargo fmt ${args.cargoExtraArgs or ""} -- --check ${args.rustFmtExtraArgs or ""}";
        installPhase = "mkdir $out";
      };
      cargoDeny = args: derivation' "-deny" (checked "cargoDeny" [ "cargoDenyChecks" "cargoDenyExtraArgs" ] [ ] args) {
        buildPhase = "echo 'stand-in: cargo-deny is only named here' >&2; exit 1";
      };
      mkCargoDerivation = args: derivation' "" (checked "mkCargoDerivation" [ "cargoArtifacts" "buildPhaseCargoCommand" "doInstallCargoArtifacts" ] [ "cargoArtifacts" "buildPhaseCargoCommand" ] args) {
        buildPhase = args.buildPhaseCargoCommand;
        installPhase = "test -e $out || mkdir $out";
      };
    };
in
scope { toolchain = null; stdenvSelector = p: p.stdenv; }
