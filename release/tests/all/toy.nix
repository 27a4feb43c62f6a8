# A flake without inputs and with the outputs that the builder `nix` asks for, made by the machine's own tools.
{
  outputs = { self }:
    let
      system = "x86_64-linux";
      version = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).package.version;
      revision = builtins.replaceStrings [ "-dirty" ] [ "" ] (self.rev or self.dirtyRev);
      stem = "sayna-${version}-x86_64-unknown-linux-gnu";
      sh = name: script: derivation {
        inherit name system;
        builder = "/bin/sh";
        args = [ "-euc" script ];
        PATH = "/usr/bin:/bin";
        LC_ALL = "C";
      };
      tar = "tar --sort=name --format=gnu --numeric-owner --owner=0 --group=0 --mtime=@${toString self.lastModified} -c";
      unwrapped = sh "sayna-unwrapped" ''
        mkdir -p $out/bin
        cat >main.c <<END
        #include <netinet/in.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/socket.h>
        int main(int count, char **words) {
          puts("sayna ${version}");
          fflush(stdout);
          char *port = getenv("PORT");
          if (!port || (count > 1 && strcmp(words[1], "health"))) return 0;
          struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
          int s = socket(AF_INET, SOCK_STREAM, 0);
          if (count > 1) return connect(s, (struct sockaddr *)&to, sizeof to) != 0;
          sigset_t end;
          sigemptyset(&end);
          sigaddset(&end, SIGTERM);
          sigprocmask(SIG_BLOCK, &end, NULL);
          if (bind(s, (struct sockaddr *)&to, sizeof to) || listen(s, 8)) return 1;
          return sigwait(&end, &s);
        }
        END
        cc -O2 -fPIE -pie -s -Wl,-z,now -o $out/bin/sayna main.c
      '';
      sayna = sh "sayna" "cp -r ${unwrapped} $out" // { inherit unwrapped; };
      image = sh "image" ''
        mkdir -p $out/blobs/sha256 root/app root${sayna}/bin
        cp ${sayna}/bin/sayna root${sayna}/bin
        ln -s ${sayna}/bin/sayna root/app/sayna
        blob() {
          name=$(sha256sum <$1); name=''${name%% *}
          echo "\"digest\":\"sha256:$name\",\"size\":$(stat -c %s $1)"
          mv $1 $out/blobs/sha256/$name
        }
        (cd root; ${tar} app nix) >layer
        layer=$(blob layer)
        diff=''${layer#*:}; diff=''${diff%%,*}
        echo '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":['$diff']},"config":
          {"User":"65532:65532","Entrypoint":["/app/sayna"],"Labels":{"org.opencontainers.image.version":"${version}",
          "org.opencontainers.image.source":"https://github.com/saynaai/sayna",
          "org.opencontainers.image.revision":"${revision}"}}}' >config
        oci=application/vnd.oci.image
        echo '{"schemaVersion":2,"mediaType":"'$oci.manifest.v1+json'","config":{"mediaType":"'$oci.config.v1+json'",
          '$(blob config)'},"layers":[{"mediaType":"'$oci.layer.v1.tar'",'$layer'}]}' >manifest
        echo '{"schemaVersion":2,"manifests":[{"mediaType":"'$oci.manifest.v1+json'",'$(blob manifest)'}]}' >$out/index.json
        echo '{"imageLayoutVersion":"1.0.0"}' >$out/oci-layout
      '';
    in
    {
      packages.${system} = {
        inherit sayna;
        sayna-full = sayna;
        libwebrtc = sh "libwebrtc" ''
          mkdir $out
          printf '# tiny\n```\nDo as you like.\n```\n' >$out/LICENSE.md
        '';
        archive = sh "archive" ''
          mkdir $out ${stem}
          cp ${./README.md} ${stem}/README.md
          cp ${./LICENSE} ${stem}/LICENSE
          echo none >${stem}/THIRD-PARTY-LICENSES
          cp ${sayna}/bin/sayna ${stem}
          find ${stem} -type f -exec chmod 644 {} +
          chmod 755 ${stem} ${stem}/sayna
          ${tar} --no-recursion ${stem} $(find ${stem} -type f | sort) | gzip -n >$out/${stem}.tar.gz
          cd $out
          sha256sum ${stem}.tar.gz >${stem}.tar.gz.sha256
        '';
        image = image // {
          copyTo = sh "copy-to" ''
            mkdir -p $out/bin
            printf '#!/bin/sh\nexec skopeo --insecure-policy copy oci:${image} "$@"\n' >$out/bin/copy-to
            chmod 755 $out/bin/copy-to
          '';
        };
      };
    };
}
