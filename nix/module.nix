# NixOS: `services.sayna`. Its configuration is checked by Sayna itself, when the system is built.
self: { config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.sayna;
  inherit (cfg.settings.server) port shutdown_seconds;
  yaml = pkgs.formats.yaml { };

  file = yaml.generate "sayna.yaml" cfg.settings;
  checked = pkgs.runCommand "sayna-checked.yaml" { } ''
    ${lib.getExe cfg.package} check --values-only -c ${file}
    cp ${file} $out
  '';

  # Linux lets only root take these, or who has this one capability of the host's network.
  low = port > 0 && port < 1024;
  capabilities = if low then [ "CAP_NET_BIND_SERVICE" ] else [ "" ];
in
{
  options.services.sayna = {
    enable = lib.mkEnableOption "Sayna, a real-time voice server";

    # The released binary asks for the loader in /lib64, which NixOS has not.
    package = mkOption {
      type = types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.sayna-full;
      defaultText = lib.literalExpression "sayna.packages.\${system}.sayna-full";
      description = "The server. The default has every feature.";
    };

    settings = mkOption {
      default = { };
      example.server.port = 8080;
      description = "The configuration file; `config.example.yaml` describes every key. An unknown key or a wrong value fails the build of the system.";
      type = types.submodule {
        freeformType = yaml.type;
        options.server = {
          host = mkOption {
            type = types.str;
            default = "0.0.0.0";
            description = "Where the server listens: an IP address or a host name.";
          };
          port = mkOption {
            type = types.port;
            default = 3001;
            description = "The TCP port.";
          };
          shutdown_seconds = mkOption {
            type = types.ints.between 0 3600;
            default = 10;
            description = "How long running requests may take once the service is stopped.";
          };
        };
      };
    };

    environmentFile = mkOption {
      # Never a path of the store, which everyone on the machine can read.
      type = types.nullOr types.externalPath;
      default = null;
      example = "/run/keys/sayna.env";
      description = "A file with `NAME=value` lines, read by systemd when the service starts: the place for secrets. What it sets wins over `settings`.";
    };

    openFirewall = lib.mkEnableOption "the port of `settings` in the firewall";
  };

  config = lib.mkIf cfg.enable {
    assertions = [{
      assertion = cfg.openFirewall -> port != 0;
      message = "services.sayna.openFirewall needs a fixed port: with services.sayna.settings.server.port = 0 the system chooses one at each start";
    }];

    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ port ];

    systemd.services.sayna = {
      description = "Sayna, a real-time voice server";
      documentation = [ "https://github.com/saynaai/sayna" ];
      wantedBy = [ "multi-user.target" ];
      # `server.host` may be an address that this machine has only then.
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      environment.CACHE_PATH = "/var/cache/sayna";

      serviceConfig = {
        Type = "exec";
        ExecStart = "${lib.getExe cfg.package} -c ${checked}";
        EnvironmentFile = lib.mkIf (cfg.environmentFile != null) cfg.environmentFile;
        CacheDirectory = "sayna";
        CacheDirectoryMode = "0700";
        Restart = "on-failure";
        RestartSec = 5;
        # A fault in the configuration: only the environment can have brought it, and starting again does not mend it.
        RestartPreventExitStatus = 2;
        # The server ends running requests by itself; killing is for one that does not.
        TimeoutStopSec = shutdown_seconds + 5;

        # It listens, connects, and writes to its cache; everything else is taken away.
        DynamicUser = true;
        UMask = "0077";
        CapabilityBoundingSet = capabilities;
        AmbientCapabilities = capabilities;
        NoNewPrivileges = true;
        # A capability of a user namespace of its own would be none of the host's network.
        PrivateUsers = !low;
        PrivateDevices = true;
        PrivateMounts = true;
        PrivateTmp = true;
        ProtectSystem = "strict";
        ProtectHome = true;
        ProtectProc = "invisible";
        ProcSubset = "pid";
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        RemoveIPC = true;
        # AF_UNIX: on NixOS names are looked up through nscd's socket.
        RestrictAddressFamilies = [ "AF_INET" "AF_INET6" "AF_UNIX" ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        KeyringMode = "private";
        SystemCallArchitectures = "native";
        SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
        # A refused call is an error that the program can report, not its end.
        SystemCallErrorNumber = "EPERM";
      };
    };
  };
}
