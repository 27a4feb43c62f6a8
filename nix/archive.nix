# The release assets of one program on this system: the archive and its checksum, packed by `sayna-release package` as on every
# other system.
{ lib, release, source, target, epoch }:
{ program, crate, features ? [ ] }:
let
  inherit (crate) crane args;
  name = program.pname;
in
crane.mkCargoDerivation {
  pname = "${name}-archive";
  inherit (args) version cargoVendorDir;
  src = source.archive;
  cargoArtifacts = null;
  doInstallCargoArtifacts = false;
  nativeBuildInputs = [ release.unwrapped ];
  # The packages whose licences go into the archive.
  env = crate.linkedAt;
  # Set here and not as an attribute, because the unpack phase sets this variable to the time of the newest file.
  buildPhaseCargoCommand = ''
    export SOURCE_DATE_EPOCH=${toString epoch}
    sayna-release package --target ${target.triple} --product ${name} --features '${lib.concatStringsSep "," features}' \
      --binary ${program}/bin/${name} --out "$out"
  '';
  dontFixup = true;
}
