# What a release attaches for this system: the archive and its checksum, by the same program that packs everywhere.
{ release, server, sayna, source, table, target, epoch }:
let
  inherit (server) crane args;
in
crane.mkCargoDerivation {
  pname = "${table.release.name}-archive";
  inherit (args) version cargoVendorDir;
  src = source.archive;
  cargoArtifacts = null;
  doInstallCargoArtifacts = false;
  nativeBuildInputs = [ release.unwrapped ];
  # Whose licences go into the archive.
  env = server.linkedAt;
  # Set here and not as an attribute: unpacking sets this variable to the newest file's time.
  buildPhaseCargoCommand = ''
    export SOURCE_DATE_EPOCH=${toString epoch}
    sayna-release package --target ${target.triple} --features '${builtins.concatStringsSep "," target.features}' \
      --binary ${sayna}/bin/${table.release.name} --out "$out"
  '';
  dontFixup = true;
}
