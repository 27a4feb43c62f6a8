//! `cargo binstall`: the addresses that it tries, rendered by its own templates and read by its own types.

use std::collections::HashMap;
use std::path::Path;

use binstalk_types::cargo_toml_binstall::{PkgFmt, PkgMeta, Strategy};
use leon::Template;
use serde::Deserialize;

use crate::Pick;
use crate::plan::{Plan, Target};

/// The names that it tries for a package that says nothing (binstalk-fetchers, `gh_crate_meta/hosting.rs`).
const DEFAULTS: [&str; 10] = [
    "{ name }-{ target }-v{ version }{ archive-suffix }",
    "{ name }-{ target }-{ version }{ archive-suffix }",
    "{ name }-{ version }-{ target }{ archive-suffix }",
    "{ name }-v{ version }-{ target }{ archive-suffix }",
    "{ name }_{ target }_v{ version }{ archive-suffix }",
    "{ name }_{ target }_{ version }{ archive-suffix }",
    "{ name }_{ version }_{ target }{ archive-suffix }",
    "{ name }_v{ version }_{ target }{ archive-suffix }",
    "{ name }-{ target }{ archive-suffix }",
    "{ name }_{ target }{ archive-suffix }",
];
const FORMATS: [PkgFmt; 7] =
    [PkgFmt::Tar, PkgFmt::Tbz2, PkgFmt::Tgz, PkgFmt::Txz, PkgFmt::Tzstd, PkgFmt::Zip, PkgFmt::Bin];

#[derive(Deserialize)]
struct Document {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    binstall: PkgMeta,
}

fn render(template: &str, plan: &Plan, name: &str, triple: &str, suffix: &str) -> Result<String, String> {
    let is_windows = triple.contains("windows");
    let values: HashMap<&str, &str> = HashMap::from([
        ("name", name),
        ("bin", name),
        ("version", plan.version.as_str()),
        ("target", triple),
        ("repo", plan.source.as_str()),
        ("archive-suffix", suffix),
        ("binary-ext", if is_windows { ".exe" } else { "" }),
    ]);
    let template = Template::parse(template).map_err(|e| format!("{template}: {e}"))?;
    template.render(&values).map_err(|e| e.to_string())
}

/// The one of them that is attached.
fn only(mut found: Vec<String>) -> Result<String, String> {
    found.sort();
    found.dedup();
    match <[String; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(found) => Err(format!("{} are there: {}", found.len(), found.join(", "))),
    }
}

/// What it finds for the server's package without any keys in it.
pub fn by_default(plan: &Plan, names: &[String]) -> Result<Vec<Pick>, String> {
    let one = |target: &Target| {
        let suffixes = FORMATS.iter().flat_map(|format| format.extensions(target.triple.contains("windows")));
        let mut found = Vec::new();
        for suffix in suffixes {
            for template in DEFAULTS {
                found.push(render(template, plan, &plan.name, &target.triple, suffix)?);
            }
        }
        found.retain(|name| names.contains(name));
        let asked = format!("binstall, defaults, {}", target.triple);
        Ok(Pick { asked, taken: only(found), wanted: Some(target.archive.clone()) })
    };
    plan.server().map(one).collect()
}

/// What it finds by the keys of each package, and where it looks for the executable in the archive.
pub fn by_package(plan: &Plan, root: &Path) -> Result<Vec<Pick>, String> {
    let mut picks = Vec::new();
    for target in &plan.targets {
        let manifest = [root.join("Cargo.toml"), root.join("release/Cargo.toml")]
            .iter()
            .find_map(|path| read(path).filter(|package| package.name == target.product))
            .ok_or_else(|| format!("no package {} with keys for binstall", target.product))?;
        let meta = &manifest.metadata.binstall;
        let mut meta = meta.merge_overrides(meta.overrides.get_matching(&target.triple, &[]));
        let strategies = meta.disabled_strategies.take().unwrap_or_default();
        if strategies.as_ref() != [Strategy::QuickInstall, Strategy::Compile] {
            return Err(format!("{}: disabled strategies are {strategies:?}", target.product));
        }
        let (url, folder) = meta.pkg_url.zip(meta.bin_dir).ok_or("pkg-url or bin-dir is missing")?;
        let format = meta.pkg_fmt.ok_or("pkg-fmt is missing")?;
        let place = format!("{}/releases/download/{}/", plan.source, plan.tag);
        let mut found = Vec::new();
        for suffix in format.extensions(target.triple.contains("windows")) {
            let url = render(&url, plan, &target.product, &target.triple, suffix)?;
            let name = url.strip_prefix(&place).ok_or_else(|| format!("{url} is not in {place}"))?;
            found.extend((*name == target.archive).then(|| name.to_owned()));
        }
        let (asked, wanted) = (format!("binstall {} {}", target.product, target.triple), Some(target.archive.clone()));
        picks.push(Pick { asked, taken: only(found), wanted });
        let ending = if target.triple.contains("windows") { ".exe" } else { "" };
        picks.push(Pick {
            asked: format!("binstall {} {}, in it", target.product, target.triple),
            taken: render(&folder, plan, &target.product, &target.triple, ""),
            wanted: Some(format!("{}/{}{ending}", target.stem, target.product)),
        });
    }
    Ok(picks)
}

fn read(path: &Path) -> Option<Package> {
    toml::from_str::<Document>(&std::fs::read_to_string(path).ok()?).ok().map(|document| document.package)
}
