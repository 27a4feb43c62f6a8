//! Paths that stand as text anywhere in a file: those of a Nix store, which other machines lack, and those of the
//! machine that built it, which make two honest builds differ and tell strangers its users' names.

use serde::Serialize;

/// How many different paths are kept as examples.
const EXAMPLES: usize = 10;
/// A path is cut after this many bytes.
const LONGEST: usize = 200;
/// How many times a path that touches another text is looked at closely. A large program has some thousands; beyond
/// that the file is made to waste time, and doubt counts against it.
const MOST_DOUBTS: u32 = 50_000;

/// Paths found: how many, and the first few different ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Paths {
    /// How many occurrences there are.
    pub count: u64,
    /// The first different ones, in file order.
    pub examples: Vec<String>,
}

impl Paths {
    /// Whether no path was found.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, path: &[u8]) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            let path = String::from_utf8_lossy(path).into_owned();
            if !path.is_empty() && !self.examples.contains(&path) {
                self.examples.push(path);
            }
        }
    }
}

/// Every mention of a Nix store.
pub(super) fn store(bytes: &[u8]) -> Paths {
    let mut found = Paths::default();
    // Put together here, as this program is audited too.
    let store: String = ["nix", "store"].iter().flat_map(|folder| ["/", folder]).collect();
    for at in memchr::memmem::find_iter(bytes, store.as_bytes()) {
        // Only what is shown needs the whole path.
        let path = if found.examples.len() < EXAMPLES { path_at(bytes, at) } else { b"" };
        found.add(path);
    }
    found
}

/// Every path of a build machine: home folders, build folders of Nix, of hosted runners and of their containers.
pub(super) fn build(bytes: &[u8]) -> Paths {
    let mut found = Paths::default();
    let mut end_of_last = 0;
    let mut doubts = 0;
    for at in memchr::memchr3_iter(b'/', b'\\', b':', bytes) {
        // A drive's path begins one byte before its colon.
        let start = if bytes.get(at) == Some(&b':') { at.saturating_sub(1) } else { at };
        if start < end_of_last || !is_build_root(bytes.get(start..).unwrap_or_default()) {
            continue;
        }
        let beginning = match beginning(bytes, start) {
            Beginning::InDoubt if doubts >= MOST_DOUBTS => Beginning::Clear,
            other => other,
        };
        if beginning == Beginning::None {
            continue;
        }
        doubts += u32::from(beginning == Beginning::InDoubt);
        let path = to_source(path_at(bytes, start));
        if beginning == Beginning::Clear || is_separate(bytes, start, path) {
            found.add(path);
            end_of_last = start + path.len();
        }
    }
    found
}

/// Whether a path begins with a folder that only the machine has. `/rustc/<hash>/` is where every distributed
/// toolchain says its library came from, and is not one.
///
/// The folders stand here without the slashes around them: this program is audited too, and compilers put its texts beside each
/// other.
fn is_build_root(rest: &[u8]) -> bool {
    const FOLDERS: [&[u8]; 14] = [
        b"usr/local/cargo/registry",
        b"usr/local/rustup",
        b"builds",
        b"workspace",
        b"workspaces",
        b"github/workspace",
        b"var/lib/jenkins",
        b"root",
        b"build",
        b"private/tmp",
        b"private/var/folders",
        b"var/folders",
        b"nix/var/nix/builds",
        b"__w",
    ];
    const OF_USERS: [&[u8]; 2] = [b"home", b"Users"];
    const OF_NIX: &[u8] = b"tmp/nix-build-";
    let absolute = rest.strip_prefix(b"/").unwrap_or_default();
    let below = |folder: &&'static [u8]| absolute.strip_prefix(*folder)?.strip_prefix(b"/");
    let is_named = |rest: &[u8]| rest.first().is_some_and(|b| is_name(*b));
    if FOLDERS.iter().filter_map(below).any(is_named) || absolute.strip_prefix(OF_NIX).is_some_and(is_named) {
        return true;
    }
    if let Some(user) = OF_USERS.iter().find_map(below) {
        return has_folder(user, b'/');
    }
    let [drive, b':', separator @ (b'\\' | b'/'), rest @ ..] = rest else { return false };
    if !drive.is_ascii_alphabetic() {
        return false;
    }
    let folder_ends = rest.iter().position(|b| b == separator).unwrap_or(0);
    let (folder, rest) = rest.split_at(folder_ends);
    let rest = rest.get(1..).unwrap_or_default();
    // `D:\a` is where hosted Windows runners work.
    (folder == b"a" && rest.first().is_some_and(|b| is_name(*b)))
        || (folder.eq_ignore_ascii_case(b"Users") && has_folder(rest, *separator))
}

/// Whether a folder's name stands there, its separator, and the beginning of another name.
fn has_folder(rest: &[u8], separator: u8) -> bool {
    let name = rest.iter().take_while(|b| is_name(**b)).count();
    name > 0 && rest.get(name) == Some(&separator) && rest.get(name + 1).is_some_and(|b| is_name(*b))
}

/// Decides by the byte before a path whether the path begins there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Clear,
    InDoubt,
    None,
}

/// `~/home/`, `{}/home/`, `//home/` and `a-b/home/` go on; a quote, a space or a zero byte ends what was before.
fn beginning(bytes: &[u8], start: usize) -> Beginning {
    match start.checked_sub(1).and_then(|before| bytes.get(before)) {
        Some(b'_' | b'-' | b'~' | b'+' | b'%' | b'}' | b')' | b'>' | b'$' | b'/' | b'\\') => Beginning::None,
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'.' => Beginning::InDoubt,
        _ => Beginning::Clear,
    }
}

/// Tells a path that a text touches from one that goes on from the left: `target/build/x`, `https://host/home/x/y`.
///
/// Compilers put texts beside each other without a gap. So the path counts where the word before it is whole without
/// it (a source file, a flag), or where the path could only be a builder's.
fn is_separate(bytes: &[u8], start: usize, path: &[u8]) -> bool {
    let before = bytes.get(start.saturating_sub(LONGEST)..start).unwrap_or_default();
    let word = before.iter().rev().take_while(|b| is_path(**b)).count();
    let word = before.get(before.len() - word..).unwrap_or_default();
    if memchr::memmem::find(word, b"://").is_some() {
        return false;
    }
    is_whole(word) || is_builders(path)
}

/// Whether nothing is missing from a word: it is a source or object file, or a compiler's flag before its value.
fn is_whole(word: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 11] = [b".rs", b".c", b".cc", b".cpp", b".cxx", b".h", b".hpp", b".m", b".mm", b".s", b".S"];
    matches!(word, b"-I" | b"-L") || ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// Whether only Cargo makes such a path.
fn is_builders(path: &[u8]) -> bool {
    const FOLDERS: [&[u8]; 5] = [b"/.cargo/", b"/cargo/registry/", b"/.rustup/", b"/target/release/", b"\\.cargo\\"];
    FOLDERS.iter().any(|folder| memchr::memmem::find(path, folder).is_some())
}

/// Cuts a path where its source file's name ends, as the next text begins there without a gap.
fn to_source(path: &[u8]) -> &[u8] {
    const ENDING: &[u8] = b".rs";
    memchr::memmem::find(path, ENDING).and_then(|at| path.get(..at + ENDING.len())).unwrap_or(path)
}

fn path_at(bytes: &[u8], start: usize) -> &[u8] {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().take(LONGEST).take_while(|b| is_path(**b)).count();
    rest.get(..length).unwrap_or_default()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)
}

fn is_path(byte: u8) -> bool {
    is_name(byte) || b"/\\:@~=,%".contains(&byte)
}
