# The release assets of this system: the archive and its checksum, packed by `sayna-release package` as on every other system.
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
  # The packages whose licences go into the archive.
  env = server.linkedAt;
  # Set here and not as an attribute, because the unpack phase sets this variable to the time of the newest file.
  buildPhaseCargoCommand = ''
    export SOURCE_DATE_EPOCH=${toString epoch}
    sayna-release package --target ${target.triple} --features '${builtins.concatStringsSep "," target.features}' \
      --binary ${sayna}/bin/${table.release.name} --out "$out"
  '';
  dontFixup = true;
}
