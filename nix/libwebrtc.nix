# The prebuilt libwebrtc that the LiveKit client links, unpacked as its build script wants it (`LK_CUSTOM_WEBRTC`).
{ stdenvNoCC, fetchurl, unzip, natives }:
let
  native = natives.named "libwebrtc";
  # What a link and a release of it need.
  wanted = builtins.concatStringsSep " " ([ "include" "lib" "webrtc.ninja" "desktop_capture.ninja" ] ++ natives.licences native);
in
stdenvNoCC.mkDerivation {
  pname = native.name;
  inherit (native) version;
  src = fetchurl { url = natives.url native; sha256 = natives.sha256 native; };
  nativeBuildInputs = [ unzip ];
  # The zip has one folder; its content is what is wanted.
  installPhase = ''
    runHook preInstall
    for wanted in ${wanted}; do
      test -e "$wanted" || { echo "libwebrtc: the zip has no $wanted" >&2; exit 1; }
    done
    mkdir $out
    cp -R ${wanted} $out/
    runHook postInstall
  '';
  # Static archives of someone else's compiler: nothing here is ours to strip or patch.
  dontFixup = true;
}
