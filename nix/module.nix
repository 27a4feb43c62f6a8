# The NixOS module `services.sayna`. Sayna checks the configuration while the system is built.
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

  # On Linux these ports need root, or this capability in the host's network namespace.
  low = port > 0 && port < 1024;
  capabilities = if low then [ "CAP_NET_BIND_SERVICE" ] else [ "" ];
in
{
  options.services.sayna = {
    enable = lib.mkEnableOption "Sayna, a real-time voice server";

    # The released binary needs a loader in /lib64, which NixOS does not have.
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
      # Never a path of the store, which every user of the machine can read.
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
      # `server.host` may be an address that exists only after that.
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
        # An error in the configuration. It must come from the environment, and a restart does not repair it.
        RestartPreventExitStatus = 2;
        # The server finishes running requests itself. It is killed only if it does not end.
        TimeoutStopSec = shutdown_seconds + 5;

        # The server listens, connects, and writes to its cache. Every other right is removed.
        DynamicUser = true;
        UMask = "0077";
        CapabilityBoundingSet = capabilities;
        AmbientCapabilities = capabilities;
        NoNewPrivileges = true;
        # A capability in a user namespace does not apply to the host's network.
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
        # AF_UNIX: NixOS resolves names through the socket of nscd.
        RestrictAddressFamilies = [ "AF_INET" "AF_INET6" "AF_UNIX" ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        KeyringMode = "private";
        SystemCallArchitectures = "native";
        SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
        # A refused system call returns an error, which the program can report, and does not kill it.
        SystemCallErrorNumber = "EPERM";
      };
    };
  };
}
