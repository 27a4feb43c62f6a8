# Binaries for systems without Nix: linked by a compiler as old as the table's floor, asking for nothing under /nix/store.
{ lib, pkgs, stdenv, stdenvNoCC, patchelf, darwin, floor, release, table, target }:
let
  inherit (stdenv.hostPlatform) isLinux isDarwin;
  compiler = floor.gcc12Stdenv.cc;
  linkedBy = what: found: wanted:
    "nixpkgs-floor: ${what} is ${found}, wanted is ${wanted} (sayna-release.toml: floor of ${target.triple})";
  loader = {
    x86_64-linux = "/lib64/ld-linux-x86-64.so.2";
    aarch64-linux = "/lib/ld-linux-aarch64.so.1";
  }.${target.system};
in
{
  # Today's phases and hooks with the floor's compiler: 22.11's own mkDerivation knows no `env`, which crane passes.
  stdenv =
    if !isLinux then stdenv
    else
      assert lib.assertMsg (lib.versionAtLeast compiler.cc.version "12")
        (linkedBy "gcc" compiler.cc.version "12, the first with all of C++20 that libwebrtc uses");
      assert lib.assertMsg (lib.versions.majorMinor compiler.libc.version == target.floor.glibc)
        (linkedBy "glibc" compiler.libc.version target.floor.glibc);
      pkgs.overrideCC stdenv compiler;

  # A newer glib would want a newer glibc.
  inherit (if isLinux then floor else pkgs) glib;

  # An old system has an old libstdc++, so ours is linked in. libgcc_s stays the system's: the static one asks for glibc 2.35.
  env = lib.optionalAttrs isLinux { CXXSTDLIB = "static=stdc++"; }
    // lib.optionalAttrs isDarwin { MACOSX_DEPLOYMENT_TARGET = target.floor.macos; };
  # The compiler's own linker, of the same age, where rustc would bring a newer one.
  rustflags = lib.optional isLinux "-Lnative=${compiler.cc}/lib" ++ lib.optional (target.system == "x86_64-linux") "-Clinker-features=-lld";

  package = unwrapped: stdenvNoCC.mkDerivation {
    inherit (unwrapped) pname version meta;
    dontUnpack = true;
    nativeBuildInputs = [ release.unwrapped ]
      ++ lib.optional isLinux patchelf
      ++ lib.optionals isDarwin [ stdenv.cc.bintools.bintools darwin.sigtool ];
    installPhase = ''
      runHook preInstall
      install -D ${lib.getExe unwrapped} $out/bin/${table.release.name}
      cd $out/bin
    '' + lib.optionalString isLinux ''
      # A run path that is only removed stays in the file as text; one that is set writes over it.
      patchelf --set-interpreter ${loader} --set-rpath / ${table.release.name}
      patchelf --remove-rpath ${table.release.name}
    '' + lib.optionalString isDarwin ''
      # The system has the same libiconv. A libc++ of the store is left for the audit to refuse: the system's may lack its symbols.
      otool -L ${table.release.name} | awk '/\/nix\/store\/.*\/libiconv/ { print $1 }' | while read -r library; do
        install_name_tool -change "$library" /usr/lib/libiconv.2.dylib ${table.release.name}
      done
      codesign --force --sign - ${table.release.name}
    '' + ''
      sayna-release --root ${release.table} audit ${table.release.name}
      runHook postInstall
    '';
    # Stripping or patching once more would undo the signature, or bring a store path back.
    dontFixup = true;
    passthru = { inherit unwrapped; };
  };
}
