# One system's packages. Each name was seen in nixpkgs at the path that its comment gives (pkgs/by-name unless it says otherwise).
{ lib, system }:
let
  isLinux = builtins.match ".*-linux" system != null;
  isDarwin = !isLinux;
  arch = builtins.head (builtins.match "([^-]*)-.*" system);

  # What stdenv.mkDerivation documents ("The Standard Environment"); anything else is an environment variable and belongs in `env`.
  known = [
    "pname"
    "version"
    "name"
    "src"
    "meta"
    "passthru"
    "env"
    "strictDeps"
    "nativeBuildInputs"
    "buildInputs"
    "dontUnpack"
    "dontFixup"
    "doCheck"
    "patchPhase"
    "configurePhase"
    "buildPhase"
    "checkPhase"
    "installPhase"
    "preConfigure"
    "preBuild"
    "postBuild"
    "postPatch"
    "postInstall"
    "cargoVendorDir"
    "cargoArtifacts"
    "disallowedRequisites"
    "propagatedBuildInputs"
    "depsHostHostPropagated"
    "__darwinAllowLocalNetworking"
  ];

  text = value: builtins.elem (builtins.typeOf value) [ "string" "int" "bool" "path" ] || lib.isDerivation value;

  mkDerivation = a:
    let
      unknown = builtins.filter (name: !(builtins.elem name known)) (builtins.attrNames a);
      env = a.env or { };
      wrong = builtins.filter (name: !(text env.${name})) (builtins.attrNames env);
      both = builtins.attrNames (builtins.intersectAttrs a env);
      name = a.name or "${a.pname}-${a.version}";
      drv = derivation (builtins.removeAttrs a [ "meta" "passthru" "env" "strictDeps" ] // env // {
        inherit name system;
        builder = "/bin/bash";
        args = [ ./setup.sh ];
      } // (if a ? src then { src = "${a.src}"; } else { }));
    in
    if unknown != [ ] then throw "mkDerivation: ${toString unknown} of ${name} is unknown; a variable of the environment belongs in env"
    else if !(builtins.isAttrs env) || wrong != [ ] then throw "mkDerivation: env of ${name} must hold strings, numbers, booleans and derivations: ${toString wrong}"
    else if both != [ ] then throw "mkDerivation: ${toString both} of ${name} is in env and beside it"
    else if (a.meta.platforms or [ system ]) != [ ] && !(builtins.elem system (a.meta.platforms or [ system ])) then throw "mkDerivation: ${name} is not for ${system}"
    else drv // (a.passthru or { }) // {
      inherit name;
      pname = a.pname or name;
      version = a.version or "";
      meta = a.meta or { };
      passthru = a.passthru or { };
      src = a.src or null;
      overrideAttrs = change: mkDerivation (a // change a);
    };

  # A package that is built by a few lines of shell, or only named.
  standIn = { pname, version ? "0-stand-in", script ? "echo 'stand-in: ${pname} is only named here' >&2; exit 1", passthru ? { }, meta ? { }, propagatedBuildInputs ? [ ] }: mkDerivation {
    inherit pname version passthru meta propagatedBuildInputs;
    dontUnpack = true;
    installPhase = script;
  };
  named = pname: standIn { inherit pname; meta.mainProgram = pname; };
  # The machine's own program under that name.
  fromMachine = pname: programs: standIn {
    inherit pname;
    meta.mainProgram = builtins.head programs;
    script = lib.concatMapStrings (program: "mkdir -p $out/bin; ln -s /usr/bin/${program} $out/bin/${program}\n") programs;
  };

  runCommand = name: attrs: script:
    assert builtins.isString name && builtins.isAttrs attrs && builtins.isString script;
    mkDerivation (attrs // { inherit name; dontUnpack = true; installPhase = script; });

  # pkgs/build-support/cc-wrapper, pkgs/development/compilers/gcc: the machine's compiler, which links as the wrapper has it
  # do, with loader and run path in the store.
  cc = { gcc, glibc }:
    let
      gccLib = standIn {
        pname = "gcc";
        version = "${gcc}-lib";
        script = "mkdir -p $out/lib; cp /lib/x86_64-linux-gnu/libgcc_s.so.1 $out/lib/";
      };
      libc = standIn {
        pname = "glibc";
        version = glibc;
        script = "mkdir -p $out/lib; cp /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/lib{c,m,gcc_s,pthread,dl,rt}.so.? $out/lib/";
      };
    in
    standIn {
      pname = "gcc-wrapper";
      version = gcc;
      script = ''
        mkdir -p $out/bin
        ln -s /usr/bin/{ar,ld} $out/bin/
        for tool in cc c++ gcc g++; do
          printf '#!/bin/sh\nexec /usr/bin/%s "$@" %s\n' $tool "-Wl,--dynamic-linker=${libc}/lib/ld-linux-x86-64.so.2 -Wl,-rpath,${libc}/lib:${gccLib}/lib" > $out/bin/$tool
          chmod +x $out/bin/$tool
        done
      '';
      passthru = {
        inherit libc;
        cc = standIn { pname = "gcc"; version = gcc; passthru.lib = gccLib; };
        bintools = standIn {
          pname = "binutils-wrapper";
          script = "mkdir -p $out/bin; ln -s /usr/bin/{ar,ld} $out/bin/";
          passthru.bintools = named "cctools";
        };
      };
    };

  pkgs = {
    inherit lib system pkgs standIn runCommand;
    newScope = extra: lib.callPackageWith (pkgs // extra);
    callPackage = pkgs.newScope { };

    # pkgs/stdenv/generic/default.nix
    stdenv = {
      inherit mkDerivation system;
      cc = cc { gcc = "15.2.0"; glibc = "2.42-61"; };
      hostPlatform = { inherit system isLinux isDarwin; };
    };
    stdenvNoCC = { inherit mkDerivation system; inherit (pkgs.stdenv) hostPlatform; };
    # pkgs/stdenv/adapters.nix
    overrideCC = stdenv: cc: assert cc ? libc && stdenv ? mkDerivation; stdenv // { inherit cc; };

    # pkgs/top-level/all-packages.nix, pkgs/build-support/{cc,bintools}-wrapper: a compiler over a C library. The one of these
    # wrappers is real: the machine's clang and lld over what the sandbox shows as /floor.
    wrapBintoolsWith = { bintools, libc }: standIn {
      pname = "${bintools.pname}-wrapper";
      inherit (bintools) version;
      script = "mkdir -p $out/bin; ln -s /usr/bin/ar $out/bin/ar; ln -s /usr/bin/ld.lld $out/bin/ld";
      passthru = { inherit bintools libc; };
    };
    wrapCCWith = { cc, libc, bintools, gccForLibs, extraBuildCommands ? "" }:
      assert bintools.libc == libc && cc.isClang or false;
      standIn {
        pname = "${cc.pname}-wrapper";
        inherit (cc) version;
        script = ''
          mkdir -p $out/bin $out/nix-support
          ${extraBuildCommands}
          for tool in clang clang++ cc c++; do
            case $tool in *++) real=clang++ ;; *) real=clang ;; esac
            printf '#!/bin/sh\nexec /usr/bin/%s --sysroot=/floor --gcc-toolchain=/floor/usr -fuse-ld=lld "$@" %s\n' $real "-Wl,--dynamic-linker=${libc}/lib/ld-linux-x86-64.so.2 -Wl,-rpath,${libc}/lib" > $out/bin/$tool
            chmod +x $out/bin/$tool
          done
        '';
        passthru = { inherit cc libc bintools gccForLibs; };
      };
    # pkgs/development/compilers/llvm: `llvmPackages` of nixos-26.05 is version 21.
    llvmPackages = {
      clang-unwrapped = standIn { pname = "clang"; version = "21.1.8"; script = "mkdir -p $out/lib/clang/21/include"; passthru = { isClang = true; }; };
      bintools-unwrapped = standIn { pname = "llvm-binutils"; version = "21.1.8"; script = "mkdir $out"; };
      compiler-rt = standIn {
        pname = "compiler-rt";
        version = "21.1.8";
        script = "mkdir -p $out/lib/linux; echo __arm_tpidr2_save > $out/lib/linux/libclang_rt.builtins-${arch}.a";
      };
    };

    # pkgs/build-support/fetchurl/default.nix: a digest is asked for, and an empty one is refused here, where it warns there.
    fetchurl = { url, sha256, name ? baseNameOf url }:
      if sha256 == "" then throw "fetchurl: ${name} has an empty sha256"
      else derivation
        {
          inherit name url;
          builder = "builtin:fetchurl";
          system = "builtin";
          outputHashMode = "flat";
          outputHash = sha256;
          # A digest that begins with `sha256-` names its algorithm itself.
          outputHashAlgo = if builtins.match "sha256-.*" sha256 == null then "sha256" else null;
          preferLocalBuild = true;
        } // { inherit name; };

    # pkgs/build-support/trivial-builders/default.nix
    writeTextDir = path: content: assert builtins.isString content; standIn {
      pname = baseNameOf path;
      script = "mkdir -p $(dirname $out/${path}); printf %s ${lib.escapeShellArg content} > $out/${path}";
    };

    formats = import ./formats.nix { inherit lib runCommand; };

    # pkgs/build-support/closure-info.nix
    closureInfo = { rootPaths }: derivation {
      name = "closure-info";
      inherit system;
      builder = "/bin/bash";
      __structuredAttrs = true;
      exportReferencesGraph.closure = rootPaths;
      args = [ "-c" ''. $NIX_ATTRS_SH_FILE; mkdir=/usr/bin/mkdir; out=''${outputs[out]}; $mkdir -p $out; /usr/bin/python3 -c 'import json, os; print("\n".join(sorted(p["path"] for p in json.load(open(os.environ["NIX_ATTRS_JSON_FILE"]))["closure"])))' > $out/store-paths'' ];
    };

    # pkgs/build-support/setup-hooks/make-wrapper.sh: of its options, --prefix alone.
    makeWrapper = standIn {
      pname = "make-wrapper-hook";
      script = ''
        mkdir -p $out/nix-support
        cat > $out/nix-support/setup-hook <<'HOOK'
        makeWrapper() {
          local from=$1 to=$2
          [ "$3 $4 $5" = "--prefix PATH :" ] && [ $# = 6 ] || { echo "stand-in: makeWrapper $*" >&2; exit 1; }
          [ -x "$from" ] || { echo "makeWrapper: $from is no executable" >&2; exit 1; }
          mkdir -p "$(dirname "$to")"
          printf '#!/bin/sh\nPATH=%s:$PATH\nexport PATH\nexec %s "$@"\n' "$6" "$from" > "$to"
          chmod +x "$to"
        }
        HOOK
      '';
    };

    # pkgs/build-support/mkshell/default.nix
    mkShell = { packages ? [ ], name ? "shell", shellHook ? "" }: assert builtins.all lib.isDerivation packages && builtins.isString shellHook; standIn { pname = name; script = "echo '${toString packages}' > $out"; };

    # ca/cacert
    cacert = standIn {
      pname = "nss-cacert";
      script = "mkdir -p $out/etc/ssl/certs; echo 'no certificate: a stand-in' > $out/etc/ssl/certs/ca-bundle.crt";
    };
    # on/onnxruntime, 1.24.4 on nixos-26.05 (NixOS/nixpkgs#501901; #523209 asks for the next one)
    onnxruntime = standIn { pname = "onnxruntime"; version = "1.24.4"; };
    glib = named "glib"; # gl/glib

    patchelf = fromMachine "patchelf" [ "patchelf" ]; # pkgs/development/tools/misc/patchelf
    unzip = fromMachine "unzip" [ "unzip" ]; # un/unzip
    git = fromMachine "git" [ "git" ]; # pkgs/applications/version-management/git
    skopeo = fromMachine "skopeo" [ "skopeo" ]; # sk/skopeo
    pkg-config = named "pkg-config"; # pkgs/build-support/pkg-config-wrapper
    # pkgs/tools/package-management/nix: there to be wrapped, not to be called.
    nix = standIn { pname = "nix"; script = "mkdir -p $out/bin; printf '#!/bin/sh\\nexit 1\\n' > $out/bin/nix; chmod +x $out/bin/nix"; };
    cachix = named "cachix"; # ca/cachix
    git-cliff = named "git-cliff"; # gi/git-cliff
    deadnix = named "deadnix"; # de/deadnix
    nixpkgs-fmt = named "nixpkgs-fmt"; # ni/nixpkgs-fmt
    cargo-deny = named "cargo-deny"; # ca/cargo-deny
    cargo-nextest = named "cargo-nextest"; # ca/cargo-nextest
    actionlint = named "actionlint"; # ac/actionlint
    zizmor = named "zizmor"; # zi/zizmor
    # os-specific/darwin; elsewhere its members are errors, there as here.
    darwin = if isDarwin then { sigtool = named "sigtool"; } else { };
    go.GOARCH = { x86_64 = "amd64"; aarch64 = "arm64"; }.${arch};
  };
in
pkgs
