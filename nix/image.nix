# The image of this system. Its layers are ordered by how often they change: libraries, engines and their models, the server.
# An update of Sayna alone changes the last layer only.
{ lib, stdenv, runCommand, writeTextDir, cacert, nix2container, portable, sayna-image, onnxruntime, models, natives, table, target, date, revision }:
let
  inherit (table.release) name;
  inherit (builtins) head filter;
  platform =
    let found = filter (platform: platform.target == target.triple) table.image.platforms; in
    if found == [ ] then throw "sayna-release.toml: image.platforms has none with target = \"${target.triple}\"" else head found;

  # The user `nonroot` of distroless images.
  uid = 65532;
  passwd = ''
    root:x:0:0:root:/root:/sbin/nologin
    ${name}:x:${toString uid}:${toString uid}:${name}:/app:/sbin/nologin
  '';
  group = ''
    root:x:0:
    ${name}:x:${toString uid}:
  '';
  ground = runCommand "${name}-ground" { } ''
    mkdir -p $out/etc $out/tmp $out/app/cache $out${dirOf portable.loader}
    # The path at which the released executable expects it. This loader searches for libraries beside itself and in its libgcc only.
    ln -s ${stdenv.cc.libc}/lib/${baseNameOf portable.loader} $out${portable.loader}
    cp ${writeTextDir "passwd" passwd}/passwd ${writeTextDir "group" group}/group $out/etc/
  '';
  application = runCommand "${name}-application" { } ''
    mkdir -p $out/app
    ln -s ${lib.getExe sayna-image} $out/app/${name}
  '';

  loaded = filter (native: !(native ? url)) (natives.needed target.features);
  libraries = nix2container.buildLayer {
    deps = [ stdenv.cc.libc cacert ];
    copyToRoot = [ ground ];
    perms = [
      { path = ground; regex = "/app/cache"; mode = "0755"; inherit uid; gid = uid; uname = name; gname = name; }
      { path = ground; regex = "/tmp"; mode = "1777"; uid = 0; gid = 0; }
    ];
  };
  inside = lib.optional (loaded != [ ]) onnxruntime ++ lib.optional (models != null) models;
  engines = nix2container.buildLayer { deps = inside; layers = [ libraries ]; };

  # The commit's time as RFC 3339: 20261124120000 becomes 2026-11-24T12:00:00Z.
  created =
    let at = start: length: builtins.substring start length date; in
    "${at 0 4}-${at 4 2}-${at 6 2}T${at 8 2}:${at 10 2}:${at 12 2}Z";
in
nix2container.buildImage
  {
    name = head table.image.repositories;
    tag = table.version;
    inherit (platform) arch;
    inherit created;
    layers = [ libraries ] ++ lib.optional (inside != [ ]) engines;
    copyToRoot = [ application ];
    config = {
      User = "${toString uid}:${toString uid}";
      ExposedPorts."3001/tcp" = { };
      Env = [
        "PATH=/app"
        "CACHE_PATH=/app/cache"
        "RUST_LOG=info"
        "SSL_CERT_FILE=${cacert}/etc/ssl/certs/ca-bundle.crt"
      ] ++ map (native: "${native.env}=${onnxruntime}/lib/libonnxruntime.so") loaded;
      Entrypoint = [ "/app/${name}" ];
      WorkingDir = "/app";
      Labels = {
        "org.opencontainers.image.version" = table.version;
        "org.opencontainers.image.revision" = revision;
        "org.opencontainers.image.source" = "https://github.com/${table.forge.github}";
        "org.opencontainers.image.created" = created;
        "org.opencontainers.image.licenses" = table.license;
        "org.opencontainers.image.title" = name;
        "org.opencontainers.image.description" = table.description;
      };
    };
  } // {
  # Used by the check of the contents.
  contents = [ application stdenv.cc.libc cacert ] ++ inside;
}
