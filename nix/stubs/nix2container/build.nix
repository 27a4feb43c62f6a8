pkgs:
let
  inherit (pkgs) system;
  list = value: if builtins.isList value then value else [ value ];

  perm = { path, regex, mode, uid ? 0, gid ? 0, uname ? "", gname ? "" }:
    assert builtins.isString regex && builtins.match "[0-7]{4}" mode != null && builtins.isInt uid && builtins.isInt gid;
    { path = "${path}"; inherit regex mode uid gid uname gname; };

  # Layers are described in JSON, and written as tars when they are copied; the stand-in writes them at once.
  write = name: attrs: derivation
    ({
      inherit name system;
      builder = "/usr/bin/python3";
      args = [ ./write.py ];
      __structuredAttrs = true;
    } // attrs) // { inherit name; };

  buildLayer = { deps ? [ ], copyToRoot ? [ ], layers ? [ ], perms ? [ ], maxLayers ? 1, reproducible ? true, ignore ? null, metadata ? { } }:
    assert reproducible && maxLayers == 1 && ignore == null && metadata == { };
    let roots = list copyToRoot; in
    write "layers.json"
      {
        kind = "layer";
        roots = map (root: "${root}") roots;
        perms = map perm perms;
        below = map (layer: "${layer}") layers;
        exportReferencesGraph.closure = deps ++ roots;
      } // { inherit layers; };

  buildImage =
    { name
    , tag ? null
    , config ? { }
    , layers ? [ ]
    , copyToRoot ? [ ]
    , arch ? pkgs.go.GOARCH
    , perms ? [ ]
    , maxLayers ? 1
    , created ? "0001-01-01T00:00:00Z"
    , fromImage ? ""
    , initializeNixDatabase ? false
    , meta ? { }
    }:
      assert fromImage == "" && !initializeNixDatabase && maxLayers == 1;
      assert builtins.all (env: builtins.match "[A-Z_]+=.*" env != null) (config.Env or [ ]);
      assert builtins.match "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z" created != null;
      let
        last = buildLayer { inherit copyToRoot perms layers; };
        image = write "image-${baseNameOf name}.json" {
          kind = "image";
          inherit arch created config;
          layers = map (layer: "${layer}") (layers ++ [ last ]);
        };
      in
      image // {
        inherit meta;
        imageName = name;
        imageTag = tag;
        # For tests: what the real function keeps to itself.
        described = { inherit arch created config; layers = layers ++ [ last ]; };
        copyTo = pkgs.standIn {
          pname = "copy-to";
          meta.mainProgram = "copy-to";
          script = ''
            mkdir -p $out/bin
            printf '#!/bin/sh\nexec /usr/bin/skopeo --insecure-policy copy oci:%s "$@"\n' ${image} > $out/bin/copy-to
            chmod +x $out/bin/copy-to
          '';
        };
      };
in
{ inherit buildLayer buildImage; }
