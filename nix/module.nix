# The NixOS module `services.sayna`. Sayna checks the configuration while the system is built.
self: { config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.sayna;
  inherit (cfg.settings.server) port shutdown_seconds;
  yaml = pkgs.formats.yaml { };
  # What archives and packages have too: how the server is started, stopped and confined.
  unit = import ./unit.nix ../packaging/sayna/systemd/sayna.service;
  # Where the cache is. As an option it can be changed like any other of a NixOS service.
  variable = builtins.match "([^=]+)=(.*)" unit.Service.Environment;

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
      description = unit.Unit.Description;
      documentation = [ unit.Unit.Documentation ];
      wantedBy = [ unit.Install.WantedBy ];
      wants = [ unit.Unit.Wants ];
      after = [ unit.Unit.After ];
      environment.${builtins.elemAt variable 0} = builtins.elemAt variable 1;

      # The configuration is in the store, so `ConditionPathExists` is left out.
      serviceConfig = removeAttrs unit.Service [ "Environment" "EnvironmentFile" ] // {
        ExecStart = "${lib.getExe cfg.package} -c ${checked}";
        EnvironmentFile = lib.mkIf (cfg.environmentFile != null) cfg.environmentFile;
        TimeoutStopSec = shutdown_seconds + 5;
        CapabilityBoundingSet = capabilities;
        AmbientCapabilities = capabilities;
        # A capability in a user namespace does not apply to the host's network.
        PrivateUsers = !low;
      };
    };
  };
}
