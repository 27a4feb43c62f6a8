# A systemd unit as a set of sections, each a set of directives. A directive that stands several times has the list of its values.
file:
let
  inherit (builtins) elemAt filter foldl' isList isString match readFile split throw;
  lines = filter isString (split "\n" (readFile file));
  add = old: value: if old == null then value else (if isList old then old else [ old ]) ++ [ value ];
  step = { section, units }: line:
    let
      heading = match "\\[([A-Za-z]+)]" line;
      directive = match "([A-Za-z]+)=(.*)" line;
      name = elemAt directive 0;
      known = units.${section} or { };
    in
    if match "[[:space:]]*|[#;].*" line != null then { inherit section units; }
    else if heading != null then { section = elemAt heading 0; inherit units; }
    else if directive == null || section == null || match ".*\\\\" line != null then throw "${toString file}: not a directive on one line: ${line}"
    else { inherit section; units = units // { ${section} = known // { ${name} = add (known.${name} or null) (elemAt directive 1); }; }; };
in
(foldl' step { section = null; units = { }; } lines).units
