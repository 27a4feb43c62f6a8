//! What the flake's outputs are, without building any.

use std::collections::BTreeMap;

use sayna_release::table::Builder;
use serde_json::{Value, json};

use super::tree::{Tree, ok};
use super::{libwebrtc, table};

/// The systems that Nix builds for, in the table's order, each with its triple.
fn systems() -> Vec<(String, String)> {
    let targets = table().targets.into_iter().filter(|t| t.builder == Builder::Nix);
    targets.map(|t| (t.system.unwrap().into_inner(), t.triple.into_inner().to_string())).collect()
}

#[test]
#[ignore = "needs nix"]
fn every_output_evaluates_for_every_system_without_building_anything() {
    let tree = Tree::new();
    let said = ok(&mut tree.nix(&[
        "flake",
        "check",
        "--no-build",
        "--all-systems",
        "--option",
        "allow-import-from-derivation",
        "false",
    ]));
    for (system, _) in systems() {
        assert!(said.contains(&format!("packages.{system}.archive")), "{said}");
        assert!(said.contains(&format!("checks.{system}.clippy")), "{said}");
    }
    assert!(!said.contains("warning: unknown flake output"), "{said}");
}

#[test]
#[ignore = "needs nix"]
fn locking_leaves_the_lock_file_as_it_is() {
    let tree = Tree::with_true_lock();
    let before = tree.read("flake.lock");
    ok(&mut tree.nix(&["flake", "lock"]));
    assert!(tree.read("flake.lock") == before);
}

#[test]
#[ignore = "needs nix"]
fn systems_are_those_of_the_table_and_images_are_made_on_linux() {
    let tree = Tree::new();
    let packages = tree.eval("packages", "builtins.mapAttrs (_: builtins.attrNames)");
    let mut common: Vec<String> =
        ["archive", "default", "image", "libwebrtc", "onnxruntime", "release", "sayna", "sayna-full"]
            .map(str::to_owned)
            .into();
    let products = table().products.into_iter().map(|product| product.name.into_inner().to_string());
    common.extend(products.flat_map(|name| [format!("{name}-archive"), name]));
    common.sort();
    let wanted: BTreeMap<String, Vec<&String>> = systems()
        .into_iter()
        .map(|(system, _)| {
            let linux = system.ends_with("-linux");
            (system, common.iter().filter(|name| linux || *name != "image").collect())
        })
        .collect();
    assert_eq!(packages, json!(wanted));
    let checks = tree.eval("checks.x86_64-linux", "builtins.attrNames");
    let wanted = [
        "archive",
        "audit",
        "build",
        "clippy",
        "clippy-release",
        "closure",
        "deny",
        "fmt",
        "loader",
        "nix",
        "tests",
        "tests-release",
    ];
    assert_eq!(checks, json!(wanted));
    assert_eq!(tree.eval("apps.aarch64-darwin", "builtins.attrNames"), json!(["default", "release", "sayna"]));
}

#[test]
#[ignore = "needs nix"]
fn native_inputs_come_from_where_the_table_says() {
    let tree = Tree::new();
    let download = libwebrtc();
    for (system, triple) in systems() {
        let found = tree.eval(&format!("packages.{system}.libwebrtc.src"), "s: { inherit (s) url outputHash; }");
        let triple = triple.parse().unwrap();
        let wanted = json!({ "url": download.url_for(&triple), "outputHash": download.sha256[&triple].get_ref() });
        assert_eq!(found, wanted, "{system}");
    }
}

#[test]
#[ignore = "needs nix"]
fn both_builders_map_the_same_folders_and_clear_the_same_flags() {
    let tree = Tree::new();
    let build = table().build;
    for (system, _) in systems() {
        let env = tree
            .eval(&format!("packages.{system}.sayna.unwrapped"), "p: { inherit (p) CARGO_BUILD_RUSTFLAGS CFLAGS; }");
        let (rust, c) = (env["CARGO_BUILD_RUSTFLAGS"].as_str().unwrap(), env["CFLAGS"].as_str().unwrap());
        assert!(rust.contains(&format!("-vendor-cargo-deps-0={}", build.remap.cargo)), "{rust}");
        assert!(c.contains(&format!("-vendor-cargo-deps-0={}", build.remap.cargo)), "{c}");
        let of_source = format!("--remap-path-prefix=/build/source={}", build.remap.source);
        assert_eq!(rust.contains(&of_source), system.ends_with("-linux"), "{rust}");
    }
    let macos = tree.eval("packages.aarch64-darwin.sayna.unwrapped.MACOSX_DEPLOYMENT_TARGET", "v: v");
    assert_eq!(macos, "14.0");
    let floor = tree.eval("packages.x86_64-linux.sayna.unwrapped.CXXSTDLIB", "v: v");
    assert_eq!(floor, "static=stdc++");
    // Each compiler by its path: PATH has what inputs propagate.
    for (system, triple) in systems() {
        let linker = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_"));
        let name = triple.replace('-', "_");
        let function = format!("p: {{ found = p.{linker}; cxx = p.CXX_{name}; ar = p.AR_{name}; }}");
        let found = tree.eval(&format!("packages.{system}.sayna.unwrapped"), &function);
        let wanted =
            if system.ends_with("-linux") { "-clang-wrapper-21.1.8/bin/c" } else { "-gcc-wrapper-15.2.0/bin/c" };
        assert!(found["found"].as_str().unwrap().ends_with(&format!("{wanted}c")), "{found}");
        assert!(found["cxx"].as_str().unwrap().ends_with(&format!("{wanted}++")), "{found}");
        let wanted =
            if system.ends_with("-linux") { "-llvm-binutils-wrapper-21.1.8" } else { "-binutils-wrapper-0-stand-in" };
        assert!(found["ar"].as_str().unwrap().ends_with(&format!("{wanted}/bin/ar")), "{found}");
    }
}

#[test]
#[ignore = "needs nix"]
fn a_product_is_compiled_as_the_server_is_and_packed_under_its_own_name() {
    let tree = Tree::new();
    for (system, triple) in systems() {
        let linker = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_"));
        let function = format!(
            "p: {{ server = p.sayna.unwrapped.{linker}; product = p.sayna-release.unwrapped.{linker}; \
             profile = p.sayna-release.unwrapped.CARGO_PROFILE; tool = p.release.unwrapped.CARGO_PROFILE; \
             args = p.sayna-release.unwrapped.buildPhase; packed = p.sayna-release-archive.buildPhase; \
             main = p.sayna-release.meta.mainProgram; }}"
        );
        let found = tree.eval(&format!("packages.{system}"), &function);
        assert_eq!(found["server"], found["product"], "{system}");
        assert_eq!((&found["profile"], &found["tool"]), (&json!("release"), &json!("dev")), "{system}");
        assert_eq!(found["main"], "sayna-release");
        let args = found["args"].as_str().unwrap();
        assert!(args.contains("--package sayna-release --no-default-features --features ''"), "{args}");
        let packed = found["packed"].as_str().unwrap();
        assert!(packed.contains(&format!("--target {triple} --product sayna-release --features ''")), "{packed}");
    }
}

#[test]
#[ignore = "needs nix"]
fn an_image_is_what_the_table_says() {
    let tree = Tree::new();
    for (system, arch) in [("x86_64-linux", "amd64"), ("aarch64-linux", "arm64")] {
        let described =
            tree.eval(&format!("packages.{system}.image.described"), "d: { inherit (d) arch created config; }");
        assert_eq!(described["arch"], arch);
        assert_eq!(described["created"], "2026-01-02T03:04:05Z");
        let config = &described["config"];
        assert_eq!(config["Entrypoint"], json!(["/app/sayna"]));
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["ExposedPorts"], json!({ "3001/tcp": {} }));
        let env: Vec<&str> = config["Env"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        assert!(env.contains(&"CACHE_PATH=/app/cache"), "{env:?}");
        assert!(env.iter().any(|v| v.starts_with("SSL_CERT_FILE=/nix/store/")), "{env:?}");
        let labels = &config["Labels"];
        assert_eq!(labels["org.opencontainers.image.revision"], tree.head());
        assert_eq!(labels["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0");
    }
    // The server is in the last layer, and nowhere below it.
    let layers = tree.eval("packages.x86_64-linux.image.described.layers", "map (l: l.roots)");
    let roots: Vec<&str> =
        layers.as_array().unwrap().iter().flat_map(|l| l.as_array().unwrap()).map(|r| r.as_str().unwrap()).collect();
    assert!(
        roots.first().unwrap().ends_with("-sayna-ground") && roots.last().unwrap().ends_with("-sayna-application"),
        "{roots:?}"
    );
}

/// The products that a change makes Nix build again; `compiled` is the server before it is made portable.
fn rebuilt(tree: &Tree, file: &str) -> Vec<String> {
    let derivations = || {
        let function = "p: builtins.mapAttrs (_: d: d.drvPath) \
            { inherit (p) sayna sayna-full release archive image; compiled = p.sayna.unwrapped; \
              dependencies = p.sayna.unwrapped.cargoArtifacts; \
              product = p.sayna-release; product-archive = p.sayna-release-archive; \
              product-compiled = p.sayna-release.unwrapped; }";
        let Value::Object(found) = tree.eval("packages.x86_64-linux", function) else { panic!("a set") };
        found
    };
    let before = derivations();
    tree.append(file, "\n");
    tree.commit();
    derivations().into_iter().filter(|(name, drv)| before[name] != *drv).map(|(name, _)| name).collect()
}

#[test]
#[ignore = "needs nix"]
fn a_change_rebuilds_what_it_is_part_of_and_nothing_else() {
    let tree = Tree::new();
    // The commit is part of the image's labels.
    for file in [
        "docs/release/cutting-a-release.md",
        "tests/all/cli.rs",
        "release/tests/all/docs.rs",
        ".ci/run",
        "CHANGELOG.md",
        "nix/shell.nix",
    ] {
        assert_eq!(rebuilt(&tree, file), ["image"], "{file}");
    }
    assert_eq!(rebuilt(&tree, "README.md"), ["archive", "image", "product-archive"]);
    // The audit, the packing and the list of crates in each program are the release program's. The dependencies are not.
    for file in ["release/src/cli/failure.rs", "sayna-release.toml"] {
        let mut changed = rebuilt(&tree, file);
        changed.retain(|name| !name.starts_with("product"));
        assert_eq!(changed, ["archive", "compiled", "image", "release", "sayna", "sayna-full"], "{file}");
    }
    assert_eq!(rebuilt(&tree, "src/main.rs").len(), 9, "Cargo's workspace is one source");
}

#[test]
#[ignore = "needs nix"]
fn a_wrong_flake_pin_is_one_error_with_the_line_to_change() {
    let x86 = "x86_64-unknown-linux-gnu";
    let hash = libwebrtc().sha256[&x86.parse().unwrap()].get_ref().clone();
    let lock =
        |version: &str| format!("version = 4\n\n[[package]]\nname = \"webrtc-sys-build\"\nversion = \"{version}\"\n");
    let toml = "sayna-release.toml";
    let cases: [(&str, &str, String, String, &str); 9] = [
        (
            "Cargo.lock",
            "libwebrtc",
            "version = 4\n".into(),
            lock("0.3.99"),
            "webrtc-sys-build 0.3.14, but Cargo.lock has 0.3.99",
        ),
        (
            toml,
            "libwebrtc",
            format!("{x86} = \"{hash}\"\n"),
            String::new(),
            "has no sha256 for x86_64-unknown-linux-gnu",
        ),
        (toml, "libwebrtc", hash.clone(), String::new(), "is empty; `nix store prefetch-file"),
        (
            toml,
            "sayna",
            "system = \"x86_64-linux\"".into(),
            "system = \"x86-64-linux\"".into(),
            "it must be \"x86_64-linux\"",
        ),
        (
            toml,
            "sayna",
            format!("triple = \"{x86}\""),
            "triple = \"riscv64gc-unknown-linux-gnu\"".into(),
            "Nix cannot build riscv64gc-unknown-linux-gnu",
        ),
        (
            toml,
            "sayna",
            "toolchain = \"1.95.0\"".into(),
            "toolchain = \"1.11.0\"".into(),
            "release.toolchain is 1.11.0",
        ),
        (toml, "sayna", "glibc = \"2.34\"".into(), "glibc = \"2.31\"".into(), "glibc is 2.34-210, wanted is 2.31"),
        (toml, "onnxruntime", "version = \"1.17\"".into(), "version = \"1.99\"".into(), "that ort wants 1.99"),
        (toml, "sayna", "[release]".into(), "[release".into(), "while reading sayna-release.toml"),
    ];
    for (file, package, from, to, wanted) in cases {
        let tree = Tree::new();
        tree.edit(file, &from, &to);
        let said = tree.fails(&["eval", "--raw", &format!(".#packages.x86_64-linux.{package}.drvPath")]);
        assert!(said.contains(wanted), "{file}: {from:?} → {to:?}\n{said}");
    }
}

#[test]
#[ignore = "needs nix"]
fn a_feature_brings_its_native_input_into_the_build_and_the_image() {
    let tree = Tree::new();
    for (system, _) in systems() {
        let found = tree.eval(
            &format!("packages.{system}"),
            "p: let b = p.sayna.unwrapped; in { env = b.LK_CUSTOM_WEBRTC; webrtc = p.libwebrtc.outPath; \
             packed = p.archive.LK_CUSTOM_WEBRTC; \
             flags = b.CARGO_BUILD_RUSTFLAGS; check = b.preBuild; inputs = map (i: i.name) b.buildInputs; }",
        );
        assert_eq!(found["env"], found["webrtc"]);
        assert_eq!(found["packed"], found["webrtc"], "the licences in the archive are those of what is linked");
        assert!(found["check"].as_str().unwrap().contains("webrtc-24f6822-2"), "{found}");
        let is_linux = system.ends_with("-linux");
        // The floor's glib: a newer one would want a newer glibc.
        assert_eq!(found["inputs"], if is_linux { json!(["glib-2.72.3"]) } else { json!([]) });
        let flags = found["flags"].as_str().unwrap();
        assert_eq!(flags.contains("-weak_framework,ScreenCaptureKit") && flags.contains("-ObjC"), !is_linux, "{found}");
        // What libwebrtc calls on arm64 and no libgcc of the floor has.
        assert_eq!(flags.contains("-compiler-rt-builtins/lib/libbuiltins.a"), system == "aarch64-linux", "{found}");
    }
    let image = tree.eval(
        "packages.x86_64-linux.image.described",
        "d: { inherit (d.config) Env; layers = map (l: map toString l.exportReferencesGraph.closure) d.layers; }",
    );
    assert_eq!(image["layers"].as_array().unwrap().len(), 3);
    // Below the server: the engine, and the small models. The server looks for them beside itself.
    let engines = image["layers"][1].to_string();
    assert!(engines.contains("onnxruntime") && engines.contains("-sayna-models"), "{engines}");
    let install = tree.eval("packages.x86_64-linux", "p: { inherit (p.sayna-full) installPhase; }");
    assert!(install.to_string().contains("-sayna-models $out/share/sayna/models"), "{install}");
    assert!(image["Env"].to_string().contains("ORT_DYLIB_PATH=/nix/store/"), "{image}");
    let said = tree.fails(&["build", "--no-link", ".#packages.x86_64-linux.libwebrtc"]);
    assert!(said.contains("webrtc-linux-x64-release.zip"), "{said}");
}

#[test]
#[ignore = "needs nix"]
fn a_system_that_the_table_does_not_have_is_not_offered() {
    let tree = Tree::new();
    let said = tree.fails(&["eval", "--raw", ".#packages.riscv64-linux.sayna.drvPath"]);
    assert!(said.contains("does not provide attribute") && said.contains("riscv64-linux"), "{said}");
}

#[test]
#[ignore = "needs nix"]
fn the_stand_ins_refuse_what_the_real_inputs_refuse() {
    let cases = [
        (
            "nix/crate.nix",
            "crane.buildDepsOnly args",
            "crane.buildDepsOnly (args // { feature = \"x\"; })",
            "no argument feature",
        ),
        (
            "nix/image.nix",
            "copyToRoot = [ application ];",
            "copyToRoots = [ application ];",
            "unexpected argument 'copyToRoots'",
        ),
        ("nix/shell.nix", "cachix,", "cachix, cachicks,", "which nixpkgs and this scope do not have"),
        ("nix/toolchain.nix", "\"clippy\"", "\"clipy\"", "does not exist"),
        ("nix/portable.nix", "pkgs.overrideCC stdenv clang", "floor.stdenv", "knows no env"),
        ("nix/default.nix", "  outputs = {", "  packages = { };\n  outputs = {", "would be hidden"),
    ];
    for (file, from, to, wanted) in cases {
        let tree = Tree::new();
        tree.edit(file, from, to);
        let said = tree.fails(&["flake", "check", "--no-build", "--all-systems"]);
        assert!(said.contains(wanted), "{file}: {to}\n{said}");
    }
}
