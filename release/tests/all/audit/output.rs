//! What people and programs are shown.

use sayna_release::audit;

use super::fixtures::{Elf, Pe};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn the_table_gives_each_row_its_verdict_and_each_finding_its_fix() {
    let facts = audit::facts(&Elf { runpath: Some("/opt/lib"), ..Elf::default() }.build()).unwrap();
    let findings = audit::findings(&facts, None);
    let text = plain(&audit::render("bin/sayna".as_ref(), &facts, &findings));
    assert_eq!(
        text,
        "\
bin/sayna  1 kB
  ✓ file             ELF x86_64, program
  ✓ loader           /lib64/ld-linux-x86-64.so.2
  ✓ libraries        libc.so.6
  ✗ search paths     /opt/lib
  ✓ glibc            GLIBC_2.34 by symbol_1
  ✓ PIE              yes
  ✓ RELRO            full
  ✓ stack            not executable
  ✓ Nix store        not mentioned
  ✓ build machine    not mentioned
  ✓ crates listed    no list
  1 finding
    search-path: it searches libraries in \"/opt/lib\"
      fix: patchelf --remove-rpath, or link without -rpath
"
    );
}

#[test]
fn the_json_has_stable_names() {
    let facts = audit::facts(&Pe { flags: 0x160, ..Pe::default() }.build()).unwrap();
    let json = serde_json::json!({ "facts": facts, "findings": audit::findings(&facts, None) });
    let expected = serde_json::json!({
        "facts": {
            "size": facts.size,
            "images": [{
                "format": "pe",
                "arch": "x86_64",
                "kind": "program",
                "loader": null,
                "needed": ["KERNEL32.dll", "ntdll.dll"],
                "optional": [],
                "search_paths": [],
                "symbol_versions": [],
                "minimum_os": "6.0",
                "signature": "not-applicable",
                "hardening": { "dynamic_base": true, "high_entropy_va": true, "nx_compat": true, "guard_cf": false },
                "build_id": null,
            }],
            "store_paths": { "count": 0, "examples": [] },
            "build_paths": { "count": 0, "examples": [] },
            "crates": null,
        },
        "findings": [{
            "rule": "cfg",
            "what": "its indirect calls are not checked",
            "fix": "build it with -C control-flow-guard=yes",
        }],
    });
    assert_eq!(json, expected);
}
