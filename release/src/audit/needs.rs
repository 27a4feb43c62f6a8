//! The demands of an executable on a system, as part and manifest carry them. Made from [`Facts`], so that notes, page and
//! packages state what the file asks for and not what a table allows.

use serde::{Deserialize, Serialize};

use super::Facts;
use crate::table::{DottedVersion, Floor};

/// The version numbers of Windows below which no program of Rust's runs, whatever its header says (Rust's platform support).
const WINDOWS: u32 = 10;
/// The libraries of glibc. A system that has one of them has all of them.
const GLIBC: [&str; 8] =
    ["libc.so.", "libm.so.", "libpthread.so.", "libdl.so.", "librt.so.", "libresolv.so.", "libutil.so.", "ld-linux"];

/// The demands of an executable: the oldest system, the processor and the libraries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// The oldest system: the newest glibc that a symbol asks for, or the oldest macOS or Windows that the header names.
    pub system: Floor,
    /// The level of x86-64 (2 to 4) that the loader asks for; nothing where every processor will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<u32>,
    /// The libraries that it cannot start without, by the name it asks with, in file order.
    pub libraries: Vec<String>,
    /// The newest version of each family of symbols, such as `GLIBC_2.34` of `libc.so.6`.
    pub symbols: Vec<NeededSymbol>,
}

/// The newest version of one family of symbols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeededSymbol {
    /// The library it is asked of.
    pub library: String,
    /// The version as it stands in the file.
    pub version: String,
}

impl Facts {
    /// Returns the demands of the file; of a universal one, those of the image that asks for most.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        for image in &self.images {
            let symbols = image.symbol_versions.iter();
            let glibc = symbols.clone().filter(|s| s.family == "GLIBC").filter_map(|s| s.version.clone()).max();
            let asked = image.minimum_os.clone();
            let system = &mut needs.system;
            match image.format {
                super::Format::Elf => raise(&mut system.glibc, glibc),
                super::Format::MachO => raise(&mut system.macos, asked),
                super::Format::Pe => raise(&mut system.windows, asked),
            }
            needs.processor = needs.processor.max(image.isa_level.filter(|level| *level > 1));
            for library in &image.needed {
                if !needs.libraries.contains(library) {
                    needs.libraries.push(library.clone());
                }
            }
            needs.symbols.extend(symbols.map(|s| NeededSymbol { library: s.library.clone(), version: s.name.clone() }));
        }
        needs
    }
}

fn raise(known: &mut Option<DottedVersion>, asked: Option<DottedVersion>) {
    *known = known.take().max(asked);
}

impl Needs {
    /// Returns the demands in people's words, one for each thing that a system must have: `glibc 2.34 or newer`, `libgcc`.
    pub fn words(&self) -> Vec<String> {
        let Floor { glibc, macos, windows } = &self.system;
        let newer = |system: &str, version: &dyn std::fmt::Display| format!("{system} {version} or newer");
        let mut words = Vec::new();
        words.extend(glibc.as_ref().map(|version| newer("glibc", version)));
        words.extend(macos.as_ref().map(|version| newer("macOS", &short(version))));
        words.extend(
            windows.as_ref().map(|version| newer("Windows", &short(version).max(DottedVersion(vec![WINDOWS])))),
        );
        words.extend(self.processor.map(|level| format!("an x86-64-v{level} processor")));
        if macos.is_none() && windows.is_none() {
            let other = self.libraries.iter().filter(|library| !GLIBC.iter().any(|own| library.starts_with(own)));
            words.extend(other.map(|library| match library.as_str() {
                "libgcc_s.so.1" => "libgcc".to_owned(),
                "libstdc++.so.6" => "libstdc++".to_owned(),
                other => other.to_owned(),
            }));
        }
        words
    }
}

/// `14.0` is macOS 14.
fn short(version: &DottedVersion) -> DottedVersion {
    let mut numbers = version.0.as_slice();
    while let [rest @ .., 0] = numbers
        && !rest.is_empty()
    {
        numbers = rest;
    }
    DottedVersion(numbers.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> DottedVersion {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn needs_in_words_name_the_system_and_what_it_may_lack() {
        let of = |system: Floor, libraries: &[&str]| {
            let libraries = libraries.iter().map(|l| (*l).to_owned()).collect();
            Needs { system, libraries, ..Needs::default() }.words().join(", ")
        };
        let glibc = |v| Floor { glibc: Some(version(v)), ..Floor::default() };
        let linux = ["libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2"];
        assert_eq!(of(glibc("2.34"), &linux), "glibc 2.34 or newer, libgcc");
        assert_eq!(of(glibc("2.28"), &["libc.so.6", "libssl.so.3"]), "glibc 2.28 or newer, libssl.so.3");
        assert_eq!(of(Floor::default(), &[]), "");
        let macos = |v| Floor { macos: Some(version(v)), ..Floor::default() };
        assert_eq!(of(macos("14.0"), &["/usr/lib/libSystem.B.dylib"]), "macOS 14 or newer");
        assert_eq!(of(macos("14.4"), &[]), "macOS 14.4 or newer");
        let windows = |v| Floor { windows: Some(version(v)), ..Floor::default() };
        assert_eq!(of(windows("6.0"), &["KERNEL32.dll"]), "Windows 10 or newer", "as Rust's own library asks");
        assert_eq!(of(windows("10.0"), &[]), "Windows 10 or newer");
        assert_eq!(of(windows("11.0"), &[]), "Windows 11 or newer");
        let processor = Needs { processor: Some(3), ..Needs::default() };
        assert_eq!(processor.words(), ["an x86-64-v3 processor"]);
        assert_eq!(short(&DottedVersion(vec![0, 0])).to_string(), "0");
    }
}
