# Binaries for systems without Nix: linked over a C library as old as the table's floor, with no path below /nix/store.
{ lib, pkgs, stdenv, stdenvNoCC, runCommand, patchelf, darwin, floor, release, target }:
let
  inherit (stdenv.hostPlatform) isLinux isDarwin;
  loader = {
    x86_64-linux = "/lib64/ld-linux-x86-64.so.2";
    aarch64-linux = "/lib/ld-linux-aarch64.so.1";
  }.${target.system};

  # clang and lld, as libwebrtc itself is built: gcc 12 and older do not compile its headers, and GNU ld cannot link it on arm64.
  # The C library, libstdc++ and libgcc come from the floor, because those of today's gcc were compiled against today's glibc.
  # gcc 11 is named, because that nixpkgs has an older default on arm64.
  llvm = pkgs.llvmPackages;
  libc = floor.glibc;
  gcc = floor.gcc11.cc;
  clang = pkgs.wrapCCWith {
    cc = llvm.clang-unwrapped;
    inherit libc;
    bintools = pkgs.wrapBintoolsWith { bintools = llvm.bintools-unwrapped; inherit libc; };
    gccForLibs = gcc;
    # The headers of clang, without the libraries of its runtime.
    extraBuildCommands = ''
      mkdir $out/resource-root
      ln -s ${lib.getLib llvm.clang-unwrapped}/lib/clang/${lib.versions.major llvm.clang-unwrapped.version}/include $out/resource-root/
      echo "-resource-dir=$out/resource-root" >> $out/nix-support/cc-cflags
    '';
  };

  # libwebrtc webrtc-24f6822-2 calls __arm_tpidr2_save (libyuv's SME), which only libgcc 14 and compiler-rt 17 or newer define. A
  # later libwebrtc is built without SME. Remove this with that version.
  builtins-rt = runCommand "compiler-rt-builtins" { } ''
    install -D -m 444 "$(find ${llvm.compiler-rt}/lib -name 'libclang_rt.builtins*.a')" $out/lib/libbuiltins.a
    grep -q __arm_tpidr2_save $out/lib/libbuiltins.a
  '';
in
{
  inherit loader;

  # Today's phases and hooks with that compiler, because the floor's mkDerivation does not support `env`, which crane passes.
  stdenv =
    if !isLinux then stdenv
    else
      assert lib.assertMsg (lib.versions.majorMinor libc.version == target.floor.glibc)
        "nixpkgs-floor: glibc is ${libc.version}, wanted is ${target.floor.glibc} (sayna-release.toml: floor of ${target.triple})";
      pkgs.overrideCC stdenv clang;

  # A newer glib would require a newer glibc.
  inherit (if isLinux then floor else pkgs) glib;

  # Old systems have an old libstdc++, so it is linked statically. libgcc_s is the one of the system.
  env = lib.optionalAttrs isLinux { CXXSTDLIB = "static=stdc++"; }
    // lib.optionalAttrs isDarwin { MACOSX_DEPLOYMENT_TARGET = target.floor.macos; };
  rustflags = lib.optional isLinux "-Lnative=${gcc}/lib"
    # The wrapper's lld on x86-64 too, where rustc would use its own.
    ++ lib.optional (target.system == "x86_64-linux") "-Clinker-features=-lld"
    ++ lib.optional (target.system == "aarch64-linux") "-Clink-arg=${builtins-rt}/lib/libbuiltins.a";

  package = unwrapped: stdenvNoCC.mkDerivation {
    inherit (unwrapped) pname version meta;
    dontUnpack = true;
    nativeBuildInputs = [ release.unwrapped ]
      ++ lib.optional isLinux patchelf
      ++ lib.optionals isDarwin [ stdenv.cc.bintools.bintools darwin.sigtool ];
    installPhase = ''
      runHook preInstall
      install -D ${lib.getExe unwrapped} $out/bin/${unwrapped.pname}
      cd $out/bin
    '' + lib.optionalString isLinux ''
      # Removing a run path leaves its text in the file. Setting one overwrites it.
      patchelf --set-interpreter ${loader} --set-rpath / ${unwrapped.pname}
      patchelf --remove-rpath ${unwrapped.pname}
    '' + lib.optionalString isDarwin ''
      # The system has the same libiconv. A libc++ of the store stays, and the audit rejects it: the system's may lack symbols.
      otool -L ${unwrapped.pname} | awk '/\/nix\/store\/.*\/libiconv/ { print $1 }' | while read -r library; do
        install_name_tool -change "$library" /usr/lib/libiconv.2.dylib ${unwrapped.pname}
      done
      codesign --force --sign - ${unwrapped.pname}
    '' + ''
      sayna-release --root ${release.table} audit ${unwrapped.pname}
      runHook postInstall
    '';
    # Stripping or patching again would invalidate the signature, or restore a store path.
    dontFixup = true;
    # `floor` is exported so that the cache receives it.
    passthru = { inherit unwrapped; } // lib.optionalAttrs isLinux { floor = { cc = clang; inherit (floor) glib; }; };
  };
}
