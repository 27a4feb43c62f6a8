# The server twice: as it is released for this system, and with every feature and its store paths for the image and NixOS.
{ lib, crate, portable, models, table, target }:
let
  released = crate {
    package = table.release.name;
    inherit (target) features;
    compiler = portable.stdenv;
    glib' = portable.glib;
    inherit (portable) env rustflags;
  };
  full = crate {
    package = table.release.name;
    features = table.imageFeatures;
  };
in
{
  sayna = portable.package released.package;
  sayna-full = full.package.overrideAttrs (old: {
    passthru = (old.passthru or { }) // { crate = full; };
    # Where the server looks, as it is in bin/.
    postInstall = (old.postInstall or "") + lib.optionalString (models != null) ''
      mkdir -p $out/share/${table.release.name}
      ln -s ${models} $out/share/${table.release.name}/models
    '';
  });
}
