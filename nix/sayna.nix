# The server, compiled once: the released file, and two packages of the same file with its models beside it.
{ lib, stdenv, runCommand, patchelf, crate, portable, models, table, target }:
let
  inherit (table.release) name;
  server = crate {
    package = name;
    inherit (target) features;
    compiler = portable.stdenv;
    glib' = portable.glib;
    inherit (portable) env rustflags;
  };
  sayna = portable.package server.package;
  # The path at which the server searches for models, because the program is in bin/.
  withModels = kind: change: runCommand "${name}-${kind}-${table.version}" { inherit (sayna) meta; } (''
    install -D -m 555 ${lib.getExe sayna} $out/bin/${name}
    ${change}
  '' + lib.optionalString (models != null) ''
    mkdir -p $out/share/${name}
    ln -s ${models} $out/share/${name}/models
  '');
in
{
  inherit server sayna;

  # For the image: byte for byte the file of the archive.
  sayna-image = withModels "image" "cmp ${lib.getExe sayna} $out/bin/${name}";

  # For NixOS and `nix run`: with the loader of the store, because NixOS has no loader in /lib64. That loader searches for libraries
  # beside itself, and for libgcc_s at the path that its glibc was built with.
  sayna-full = withModels "full" (lib.optionalString stdenv.hostPlatform.isLinux ''
    chmod u+w $out/bin/${name}
    ${lib.getExe patchelf} --set-interpreter ${stdenv.cc.libc}/lib/${baseNameOf portable.loader} $out/bin/${name}
  '');
}
