# The prebuilt libwebrtc that the LiveKit client links, unpacked as its build script expects it (`LK_CUSTOM_WEBRTC`).
{ stdenvNoCC, fetchurl, unzip, natives }:
let
  native = natives.named "libwebrtc";
  # The files that the linker and a release need.
  wanted = builtins.concatStringsSep " " ([ "include" "lib" "webrtc.ninja" "desktop_capture.ninja" ] ++ natives.licences native);
in
stdenvNoCC.mkDerivation {
  pname = native.name;
  inherit (native) version;
  src = fetchurl { url = natives.url native; sha256 = natives.sha256 native; };
  nativeBuildInputs = [ unzip ];
  # The zip has one folder, and its content is unpacked.
  installPhase = ''
    runHook preInstall
    for wanted in ${wanted}; do
      test -e "$wanted" || { echo "libwebrtc: the zip has no $wanted" >&2; exit 1; }
    done
    mkdir $out
    cp -R ${wanted} $out/
    runHook postInstall
  '';
  # Static archives of another compiler. They must not be stripped or patched.
  dontFixup = true;
}
