# `lib.nixosSystem`: the options that a module for Sayna may set, and what NixOS makes of them.
{ lib, legacyPackages }:
{ modules }:
let
  inherit (lib) mkOption types;
  inherit (builtins) all attrNames elem filter head isList length toJSON typeOf;

  option = type: default: mkOption { inherit type default; description = "See NixOS."; };
  units = option (types.listOf types.str) [ ];
  assertion = types.attrsOf types.str // { name = "assertion"; check = value: attrNames value == [ "assertion" "message" ]; };
  # nixos/lib/systemd-unit-options.nix, unitOption: one value, or a list where systemd takes a directive several times.
  directive = types.str // {
    name = "systemd option";
    merge = path: values:
      let value = head values; in
      if length values == 1 && all (one: elem (typeOf one) [ "string" "int" "bool" ]) (if isList value then value else [ value ]) then value
      else throw "${lib.concatStringsSep "." path} is no systemd option: ${toJSON values}";
  };

  nixos.options = {
    assertions = option (types.listOf assertion) [ ]; # nixos/modules/misc/assertions.nix
    networking.firewall.allowedTCPPorts = option (types.listOf types.port) [ ]; # nixos/modules/services/networking/firewall.nix
    nixpkgs.hostPlatform = mkOption { type = types.str; description = "See NixOS."; }; # nixos/modules/misc/nixpkgs.nix
    # nixos/modules/system/boot/systemd.nix; of the options in nixos/lib/systemd-unit-options.nix, these:
    systemd.services = option
      (types.attrsOf (types.submodule {
        options = {
          description = option types.str "";
          documentation = units;
          wantedBy = units;
          wants = units;
          after = units;
          environment = option (types.attrsOf types.str) { };
          serviceConfig = option (types.attrsOf directive) { };
        };
      }))
      { };
  };

  pkgs = legacyPackages.${config.nixpkgs.hostPlatform};
  inherit (lib.evalModules { modules = [ nixos ] ++ modules; specialArgs = { inherit pkgs; }; }) config;
  failed = filter (assertion: !assertion.assertion) config.assertions;

  # nixos/lib/systemd-lib.nix: toOption, attrsToSection, commonUnitText, serviceToUnit.
  text = value: if value == true then "true" else if value == false then "false" else toString value;
  lines = f: list: lib.concatMapStrings (item: "${f item}\n") list;
  section = attrs: lines (name: lib.concatStringsSep "\n" (map (value: "${name}=${text value}") (if isList attrs.${name} then attrs.${name} else [ attrs.${name} ]))) (attrNames attrs);
  unit = service: ''
    [Unit]
    ${section { After = toString service.after; Description = service.description; Documentation = toString service.documentation; Wants = toString service.wants; }}
    [Service]
    ${lines (name: "Environment=${toJSON "${name}=${service.environment.${name}}"}") (attrNames service.environment)}
    ${section service.serviceConfig}
    [Install]
    WantedBy=${toString service.wantedBy}
  '';
in
{
  config = config // {
    # nixos/modules/system/activation/top-level.nix: nothing where an assertion fails; the units are in etc/systemd/system.
    system.build.toplevel =
      if failed != [ ] then throw "Failed assertions:\n${lines (assertion: "- ${assertion.message}") failed}"
      else
        pkgs.runCommand "nixos-system" { } ''
          mkdir -p $out/etc/systemd/system
          cd $out/etc/systemd/system
          ${lines (name: "printf %s ${lib.escapeShellArg (unit config.systemd.services.${name})} > ${name}.service") (attrNames config.systemd.services)}
        '';
  };
}
