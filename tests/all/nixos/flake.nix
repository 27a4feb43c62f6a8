# Systems with `services.sayna`, for tests/all/nixos.rs. Beside it: `sayna`, the program under test; `settings.nix`, of docs/use/deploy/nixos.md.
{
  inputs.nixpkgs.follows = "sayna/nixpkgs";

  outputs = { nixpkgs, sayna, ... }:
    let
      hostPlatform = "x86_64-linux";
      package = nixpkgs.legacyPackages.${hostPlatform}.runCommand "sayna" { meta.mainProgram = "sayna"; } "install -D ${./sayna} $out/bin/sayna";
      system = module: nixpkgs.lib.nixosSystem {
        modules = [ sayna.nixosModules.default { nixpkgs = { inherit hostPlatform; }; services.sayna = { inherit package; }; } module ];
      };
      with' = settings: system { services.sayna = { enable = true; } // settings; };
    in
    {
      nixosConfigurations = {
        documented = system (import ./settings.nix);
        off = system { };
        plain = with' { };
        low = with' { settings.server.port = 999; };

        unknown-key = with' { settings.server.prot = 8080; };
        wrong-value = with' { settings.server.host = "http://example.org"; };
        wrong-type = with' { settings.server.port = "8080"; };
        unknown-option = with' { setings.server.port = 8080; };
        no-fixed-port = with' { settings.server.port = 0; openFirewall = true; };
        secret-as-path = with' { environmentFile = ./settings.nix; };
        secret-in-store = with' { environmentFile = "${./settings.nix}"; };
      };
    };
}
