//! The SBOM of an image: every file of the layers belongs to a component, and the packages are those of the system.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sayna_release::digest::Digest;
use sayna_release::image::{self, Inventory};
use sayna_release::oci;
use sayna_release::plan::Plan;
use sayna_release::sbom;
use sayna_release::table::Compression;
use serde_json::Value;

use crate::fixture::plan;
use crate::image::tool;
use crate::sbom::{edges_are_whole, validate};
use crate::support::graph::{Skeleton, host};

/// A layout of one platform with that executable, and its digest.
pub(crate) fn layout(plan: &Plan, binary: &Path, folder: &Path) -> Digest {
    let platform = &plan.image.as_ref().unwrap().platforms[0];
    let input = image::Input { plan, platform, binary, models: &[], compression: Compression::Gzip };
    image::assemble(&input, folder).unwrap().manifest
}

/// The document of an image around that executable.
fn document(plan: &Plan, inventory: &Inventory, binary: &Path) -> String {
    let (skeleton, target, rustc) = (Skeleton::new(), host(), semver::Version::new(1, 95, 0));
    let (binary, _) = Digest::of_file(binary).unwrap();
    let (graph, system) = (&skeleton.graph(), Some(inventory));
    let input = sbom::Input { plan, target: &target, rustc: &rustc, graph, natives: &[], models: &[], binary, system };
    String::from_utf8(sbom::document(&input).unwrap()).unwrap()
}

fn of_system() -> (Inventory, String) {
    let folder = tempfile::tempdir().unwrap();
    let (plan, binary) = (plan("1.2.3", 1, 1), Path::new("/bin/true"));
    let manifest = layout(&plan, binary, folder.path());
    let inventory = Inventory::of_layout(folder.path(), manifest, u64::MAX).unwrap();
    let document = document(&plan, &inventory, binary);
    (inventory, document)
}

/// Every component of a list, and all inside of each.
fn all(components: &Value) -> Vec<&Value> {
    let components = components.as_array().into_iter().flatten();
    components.flat_map(|one| std::iter::once(one).chain(all(&one["components"]))).collect()
}

/// The files of the layers that no component owns, by digest, name or store path.
pub(crate) fn unowned(inventory: &Inventory, document: &Value) -> Vec<String> {
    let components: Vec<&Value> = all(&document["components"]);
    let hashes: BTreeSet<&str> = components
        .iter()
        .chain([&&document["metadata"]["component"]])
        .filter_map(|component| component["hashes"][0]["content"].as_str())
        .collect();
    let stores: BTreeSet<String> = components
        .iter()
        .filter_map(|component| component["properties"][0]["value"].as_str())
        .filter(|value| value.starts_with("/nix/store/"))
        .map(|value| format!("{}/", &value[1..]))
        .collect();
    let is_owned = |path: &String, digest: &Digest| {
        hashes.contains(digest.hex().as_str()) || stores.iter().any(|store| path.starts_with(store))
    };
    let files = inventory.0.iter().filter_map(|(path, content)| Some((path, content.file?.0)));
    files.filter(|(path, digest)| !is_owned(path, digest)).map(|(path, _)| path.clone()).collect()
}

#[test]
fn every_file_of_the_layers_belongs_to_a_component_and_the_document_says_that_it_is_complete() {
    let (inventory, document) = of_system();
    edges_are_whole(&document);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(unowned(&inventory, &document), Vec::<String>::new());
    assert_eq!(document["compositions"][0]["aggregate"], "complete");
    let root = &document["metadata"]["component"]["bom-ref"];
    assert_eq!(&document["compositions"][0]["assemblies"][0], root);
}

#[test]
fn packages_have_the_versions_of_dpkg_with_the_distribution_in_their_purls() {
    let (_, document) = of_system();
    let document: Value = serde_json::from_str(&document).unwrap();
    let asked =
        Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Version} ${Architecture}\n"]).output().unwrap();
    let installed: BTreeMap<String, (String, String)> = String::from_utf8(asked.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            Some((words.next()?, (words.next()?, words.next()?)))
        })
        .collect();
    let packages: Vec<&Value> = all(&document["components"])
        .into_iter()
        .filter(|component| component["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:deb/debian/")))
        .collect();
    let names: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["base-files", "ca-certificates", "libc6"]));
    for package in packages {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let (installed, arch) = installed.get(name).unwrap();
        assert!(version == installed || installed.ends_with(version), "{package}");
        let purl = package["purl"].as_str().unwrap();
        assert!(purl.contains(&format!("?arch={arch}&distro=debian-")), "{purl}");
        assert!(package["licenses"][0]["license"]["name"].is_string(), "{package}");
        assert!(package["components"].as_array().is_some_and(|files| !files.is_empty()), "{package}");
    }
}

#[test]
fn a_file_of_unknown_origin_stands_by_itself_and_makes_the_document_incomplete() {
    let (mut inventory, _) = of_system();
    let odd = Digest::of(b"odd");
    inventory.0.insert("opt/odd".to_owned(), image::Content { file: Some((odd, 3)), text: None });
    let document: Value =
        serde_json::from_str(&document(&plan("1.2.3", 1, 1), &inventory, Path::new("/bin/true"))).unwrap();
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    let odd = all(&document["components"]).into_iter().find(|component| component["name"] == "/opt/odd").unwrap();
    assert_eq!(odd["type"], "file");
    assert_eq!(unowned(&inventory, &document), Vec::<String>::new());
}

/// An image of store paths, and entries of packages that are hostile or of nothing.
fn of_store() -> (Inventory, String) {
    let file = |text: Option<&str>| image::Content {
        file: Some((Digest::of(text.unwrap_or("x").as_bytes()), 1)),
        text: text.map(str::to_owned),
    };
    let hash = "0123456789abcdfghijklmnpqrsvwxyz";
    let paths = [
        (format!("nix/store/{hash}-glibc-2.42-51/lib/libc.so.6"), file(None)),
        (format!("nix/store/{hash}-gcc-15.2.0-lib/lib/libstdc++.so.6"), file(None)),
        (format!("nix/store/{hash}-sayna-ground/etc/passwd"), file(None)),
        ("nix/store/".to_owned(), file(None)),
        ("etc/passwd".to_owned(), file(None)),
        ("var/lib/dpkg/status.d/..".to_owned(), file(Some("Package: ..\nVersion: 1"))),
        ("var/lib/dpkg/status.d/a/b".to_owned(), file(Some("Package: a/b"))),
        ("var/lib/dpkg/status.d/x".to_owned(), file(Some("Package: y"))),
        ("var/lib/dpkg/status.d/x.md5sums".to_owned(), file(Some("nothing\n  \n"))),
        ("usr/share/doc/x/copyright".to_owned(), file(Some("License:"))),
        ("usr/lib/os-release".to_owned(), file(Some("ID=\nVERSION_ID=\"\n"))),
    ];
    let inventory = Inventory(paths.into_iter().collect());
    let document = document(&plan("1.2.3", 1, 1), &inventory, Path::new("/bin/true"));
    (inventory, document)
}

#[test]
fn store_paths_are_components_and_entries_of_no_package_are_files() {
    let (inventory, document) = of_store();
    edges_are_whole(&document);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(unowned(&inventory, &document), Vec::<String>::new());
    let of = |name: &str| all(&document["components"]).into_iter().find(|c| c["name"] == name).unwrap();
    let glibc = of("glibc");
    assert_eq!(glibc["purl"], "pkg:nix/glibc@2.42-51?outputhash=0123456789abcdfghijklmnpqrsvwxyz");
    assert_eq!(glibc["cpe"], "cpe:2.3:a:gnu:glibc:2.42:*:*:*:*:*:*:*");
    assert_eq!(of("gcc")["purl"], "pkg:nix/gcc@15.2.0?output=lib&outputhash=0123456789abcdfghijklmnpqrsvwxyz");
    assert!(!document.to_string().contains("pkg:deb"), "{document}");
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
}

#[test]
#[ignore = "needs cyclonedx-python-lib"]
fn documents_of_images_are_valid_by_the_official_schema() {
    for (_, document) in [of_system(), of_store()] {
        assert_eq!(validate(&document), "None");
    }
}

mod full {
    use super::{BTreeSet, Command, Inventory, PathBuf, Value, fs, oci, plan};
    use super::{Skeleton, document, layout, tool};
    use crate::embedded::{MODULES, compiled};
    use sayna_release::embedded::List;

    /// Name and version of each package that syft finds in a layout or an SBOM, by kind.
    fn syft(command: &str, source: &str) -> BTreeSet<(String, String, String)> {
        let text = tool(Command::new("syft").args([command, "--quiet", "--output", "json", source]));
        let found: Value = serde_json::from_str(&text).unwrap();
        let word = |artifact: &Value, key: &str| artifact[key].as_str().unwrap_or_default().to_owned();
        let artifacts = found["artifacts"].as_array().unwrap().iter();
        artifacts.map(|one| (word(one, "type"), word(one, "name"), word(one, "version"))).collect()
    }

    #[test]
    #[ignore = "needs syft, which .ci/setup full installs"]
    #[expect(clippy::print_stderr, reason = "the counts are for people")]
    fn packages_that_syft_finds_in_the_layout_are_those_of_the_sbom() {
        let (folder, plan) = (tempfile::tempdir().unwrap(), plan("1.2.3", 1, 1));
        let list = List::of(&Skeleton::new().graph());
        let program = compiled(MODULES[0].0, Some(&hex::encode(list.section().unwrap())), folder.path());
        let (binary, image) = (program.as_path(), folder.path().join("image"));
        let manifest = layout(&plan, binary, &image);
        let inventory = Inventory::of_layout(&image, manifest, u64::MAX).unwrap();
        let file: PathBuf = folder.path().join("image.cdx.json");
        fs::write(&file, document(&plan, &inventory, binary)).unwrap();
        let of_layout = syft("scan", &format!("oci-dir:{}", image.display()));
        // Of the program alone, as a stranger unpacks it.
        let of_program = syft("scan", &format!("file:{}", binary.display()));
        let of_sbom = syft("convert", &file.display().to_string());
        assert!(of_layout.iter().filter(|(kind, ..)| kind == "deb").count() >= 3, "{of_layout:?}");
        let ours = |wanted: &(String, String, String)| of_sbom.contains(wanted);
        let (root, _) = list.root().unwrap();
        let missing: Vec<_> = of_layout.iter().filter(|found| found.0 == "deb" && !ours(found)).collect();
        assert!(missing.is_empty(), "{missing:?} are in no component of {of_sbom:?}");
        let crates = |found: &BTreeSet<(String, String, String)>| -> BTreeSet<(String, String)> {
            // Crates of the fixture are local ones, to which an SBOM gives no registry.
            let crates = found
                .iter()
                .filter(|(kind, name, _)| kind != "deb" && ![root, plan.name.as_str(), "std"].contains(&name.as_str()));
            crates.map(|(_, name, version)| (name.clone(), version.clone())).collect()
        };
        let listed = list.linked().into_iter().map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
        for found in [&of_layout, &of_program, &of_sbom] {
            assert_eq!(crates(found), listed);
        }
        eprintln!(
            "syft: {} packages in the layout, {} in its program, {} in the SBOM",
            of_layout.len(),
            of_program.len(),
            of_sbom.len()
        );
        assert_eq!(oci::Layout::open(&image).unwrap().index().unwrap().manifests.len(), 1);
    }
}
