# The server, compiled once: as it is released, and twice the same file with its models beside it.
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
  # Where the server looks for models, as it is in bin/.
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

  # In the image: byte for byte the archive's.
  sayna-image = withModels "image" "cmp ${lib.getExe sayna} $out/bin/${name}";

  # For NixOS and `nix run`: with the store's loader, as no other lies in /lib64 there. That loader looks for libraries beside
  # itself, and for libgcc_s where its glibc was told.
  sayna-full = withModels "full" (lib.optionalString stdenv.hostPlatform.isLinux ''
    chmod u+w $out/bin/${name}
    ${lib.getExe patchelf} --set-interpreter ${stdenv.cc.libc}/lib/${baseNameOf portable.loader} $out/bin/${name}
  '');
}
