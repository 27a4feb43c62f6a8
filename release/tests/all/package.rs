//! Archives: the same bytes for everyone everywhere, in the forms that real tools read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use sayna_release::package::{self, Archive, Error, Input};
use sayna_release::table::ArchiveKind::{self, TarGz, Zip};

use crate::rehearse::{project, run};
use crate::support::START;

const STEM: &str = "sayna-1.2.3-x86_64-unknown-linux-gnu";
const EPOCH: i64 = 1_700_000_001;

/// Files to pack, in a folder of their own.
struct Tree {
    folder: tempfile::TempDir,
    names: Vec<String>,
}

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary: Vec<u8> = (0..300_000_u32).flat_map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()).collect();
        fs::write(folder.path().join("binary"), binary).unwrap();
        let names: Vec<String> = ["README.md", "LICENSE", "config.example.yaml"].map(str::to_owned).into();
        for name in &names {
            fs::write(folder.path().join(name), format!("{name}\n")).unwrap();
        }
        Self { folder, names }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pack(&self, kind: ArchiveKind, out: &Path) -> Result<Archive, Error> {
        let archive = format!("{STEM}.{}", kind.extension());
        let binary = self.path("binary");
        let input = Input {
            stem: STEM,
            archive: &archive,
            kind,
            epoch: EPOCH,
            binary: &binary,
            exe_name: "sayna".to_owned(),
            files: self.names.iter().map(|n| (n.clone(), self.path(n))).collect(),
            third_party: "everyone's\n".to_owned(),
        };
        package::package(&input, out)
    }
}

fn tool(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run .ci/setup"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn folder_order_modes_and_times_of_the_input_do_not_matter() {
    for kind in [TarGz, Zip] {
        let (one, mut two, out) = (Tree::new(), Tree::new(), tempfile::tempdir().unwrap());
        let first = one.pack(kind, &out.path().join("one")).unwrap();
        two.names.reverse();
        for name in ["README.md", "binary"] {
            let file = fs::File::options().append(true).open(two.path(name)).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
        #[cfg(unix)]
        for (name, mode) in [("LICENSE", 0o600), ("binary", 0o400)] {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(two.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_eq!(two.pack(kind, &out.path().join("two")).unwrap(), first);
        assert_eq!(one.pack(kind, &out.path().join("one")).unwrap(), first, "again into the same folder");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn gnu_tar_and_sha256sum_accept_the_archive() {
    let (tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
    let made = tree.pack(TarGz, out.path()).unwrap();
    let mut tar = Command::new("tar");
    tar.env("TZ", "UTC").args(["--numeric-owner", "--full-time", "-tvzf"]).arg(out.path().join(&made.archive.name));
    let listed = tool(&mut tar);
    let lines: Vec<Vec<&str>> = listed.lines().map(|l| l.split_whitespace().collect()).collect();
    let names: Vec<&str> = lines.iter().map(|l| *l.last().unwrap()).collect();
    let inside = ["", "LICENSE", "README.md", "THIRD-PARTY-LICENSES", "config.example.yaml", "sayna"];
    assert_eq!(names, inside.map(|name| format!("{STEM}/{name}")));
    assert!(lines.iter().all(|l| l[1] == "0/0" && l[3] == "2023-11-14" && l[4] == "22:13:21"), "{listed}");
    assert_eq!([lines[0][0], lines[1][0], lines[5][0]], ["drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"]);
    let checked = tool(Command::new("sha256sum").current_dir(out.path()).args(["--strict", "-c", &made.checksum.name]));
    assert_eq!(checked, format!("{}: OK\n", made.archive.name));
}

#[test]
#[ignore = "needs unzip"]
fn unzip_accepts_the_archive() {
    let (tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
    let made = tree.pack(Zip, out.path()).unwrap();
    let tested = tool(Command::new("unzip").arg("-t").arg(out.path().join(&made.archive.name)));
    assert!(tested.contains("No errors detected"), "{tested}");
    let listed = tool(Command::new("unzip").env("TZ", "UTC").arg("-Z").arg(out.path().join(&made.archive.name)));
    assert!(listed.contains("23-Nov-14 22:13") && listed.contains("defN"), "{listed}");
}

#[test]
fn names_that_leave_the_folder_or_stand_twice_are_refused_and_leave_nothing() {
    let leaving = ["/etc/passwd", "../up", "a/../b", "a//b", "a\\b", "C:x", ""];
    let elsewhere = ["a*", "a\nb", "end.", "dir /x"];
    let twice = ["readme.md", "sayna", "LICENSE/x", "license/x"];
    for name in leaving.into_iter().chain(elsewhere).chain(twice) {
        let (mut tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
        tree.names.push(name.to_owned());
        let error = tree.pack(TarGz, out.path()).unwrap_err();
        assert!(matches!(&error, Error::Name { .. }), "{name}: {error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "{name}");
    }
    let (mut tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
    tree.names.push("missing".to_owned());
    let error = tree.pack(Zip, out.path()).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "half an archive was left");
}

#[test]
fn a_flipped_byte_anywhere_is_seen_when_the_archive_is_read() {
    for kind in [TarGz, Zip] {
        let (tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
        let path = out.path().join(tree.pack(kind, out.path()).unwrap().archive.name);
        let (good, entries) = (fs::read(&path).unwrap(), package::list(&path, kind, u64::MAX).unwrap());
        // The middle of the largest file, and gzip's CRC-32 of everything or a name in zip's directory.
        let late = if kind == TarGz { 7 } else { 24 };
        for place in [good.len() / 2, good.len() - late] {
            let mut bad = good.clone();
            bad[place] ^= 0x10;
            fs::write(&path, bad).unwrap();
            assert!(package::list(&path, kind, u64::MAX).map_or(true, |found| found != entries), "{kind:?} {place}");
        }
    }
}

/// A file of /proc has the length 0 and yet a content: like one that grows after it was opened.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_changes_while_it_is_packed_is_refused_and_leaves_nothing() {
    for kind in [TarGz, Zip] {
        let (mut tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
        tree.names.push("version".to_owned());
        std::os::unix::fs::symlink("/proc/version", tree.path("version")).unwrap();
        let error = tree.pack(kind, out.path()).unwrap_err();
        assert!(matches!(&error, Error::Changed { promised: 0, .. }), "{error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}

/// Released archives are pinned by others. A library whose update changes these bytes is met here, before a release is;
/// so is a system or a processor on which they would be others.
#[test]
fn the_bytes_are_those_of_every_other_machine() {
    let known = [
        (TarGz, "c635de70f117e055e668f293b2824ebfd8c74d74467b91197fd0a6bca6011e76"),
        (Zip, "7cd0cd535b40065ea0f37f759e2aec74f57b1b8e8fcb30b925b7394e061ce112"),
    ];
    for (kind, digest) in known {
        let (tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
        assert_eq!(tree.pack(kind, out.path()).unwrap().archive.digest.hex(), digest, "{kind:?}");
    }
}

#[test]
fn a_time_that_the_form_cannot_hold_is_an_error() {
    let tree = Tree::new();
    let binary = tree.path("binary");
    for (kind, epoch) in [(TarGz, -1), (Zip, 0), (Zip, 5_000_000_000)] {
        let input = Input {
            stem: STEM,
            archive: "a",
            kind,
            epoch,
            binary: &binary,
            exe_name: "sayna".to_owned(),
            files: vec![],
            third_party: String::new(),
        };
        let out = tempfile::tempdir().unwrap();
        assert!(matches!(package::package(&input, out.path()), Err(Error::Time { .. })), "{kind:?} {epoch}");
    }
}

/// Variables, umask, threads and user are properties of a process: the program itself is run under each.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn umask_locale_time_zone_and_processors_do_not_matter() {
    let world = project();
    let triple = "x86_64-unknown-linux-gnu";
    let digest = |name: &str, wrapper: &str| {
        let mut command = Command::new("sh");
        let arguments = format!("--target {triple} --binary src/main.rs --out dist/{name}");
        command.arg("-c").arg(format!("{wrapper} {} package {arguments}", env!("CARGO_BIN_EXE_sayna-release")));
        tool(command.current_dir(world.root()));
        let stem = format!("sayna-0.1.0-{triple}.tar.gz");
        package_digest(&world.path("dist").join(name).join(stem))
    };
    let first = digest("plain", "");
    for (name, wrapper) in [
        ("umask", "umask 077;"),
        ("locale", "LC_ALL=de_DE.UTF-8 LANG=tr_TR"),
        ("zone", "TZ=Pacific/Kiritimati"),
        ("processors", "taskset -c 0"),
        ("home", "HOME=/nonexistent CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}"),
    ] {
        assert_eq!(digest(name, wrapper), first, "{name}");
    }
    // The time inside is the commit's, unless the environment says otherwise.
    assert_ne!(digest("epoch", "SOURCE_DATE_EPOCH=1700000000"), first);
    assert!(!run(world.root(), &["package", "--target", triple, "--binary", "nowhere"]).status.success());
}

/// What Nix's sandbox has: the files, a time, and no Git.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_tree_without_git_gives_the_same_archive_where_a_time_is_set() {
    let world = project();
    let (triple, archive) = ("x86_64-unknown-linux-gnu", "sayna-0.1.0-x86_64-unknown-linux-gnu.tar.gz");
    let package = |epoch: Option<i64>, out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.args(["package", "--target", triple, "--binary", "src/main.rs", "--out", out]);
        command.current_dir(world.root()).env("NO_COLOR", "1");
        match epoch {
            Some(epoch) => command.env("SOURCE_DATE_EPOCH", epoch.to_string()),
            None => command.env_remove("SOURCE_DATE_EPOCH"),
        };
        command
    };
    tool(&mut package(None, "dist/git"));
    let first = package_digest(&world.path("dist/git").join(archive));
    fs::remove_dir_all(world.path(".git")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    tool(&mut package(Some(START), &elsewhere.path().display().to_string()));
    assert_eq!(package_digest(&elsewhere.path().join(archive)), first);
    let output = package(None, "dist/none").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("SOURCE_DATE_EPOCH is not set") && said.contains("git log -1 --format=%ct"), "{said}");
    assert!(!world.path("dist/none").exists());
    let output = package(None, "dist/none").env("SOURCE_DATE_EPOCH", "now").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("\"now\", which is not a whole number"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_caller_says_which_features_the_binary_has() {
    let world = project();
    let triple = "x86_64-unknown-linux-gnu";
    world.edit("Cargo.toml", "default = []", "default = []\nlivekit = []");
    world.edit("sayna-release.toml", "features = []", "features = [\"livekit\"]");
    let native = "\n[[native]]\nname = \"libwebrtc\"\nversion = \"1\"\nlicence = \"BSD-3-Clause\"\nfor = \"livekit\"\n\
                  env = \"SAYNA_TEST_NATIVE\"\nurl = \"https://example.invalid/x.zip\"\n\
                  sha256 = { x86_64-unknown-linux-gnu = \"\" }\n";
    world.write("sayna-release.toml", &(world.read("sayna-release.toml") + native));
    let extracted = |out: &Path| {
        let (stem, to) = (format!("sayna-0.1.0-{triple}"), world.path("dist/text"));
        let archive = out.join(format!("{stem}.tar.gz"));
        package::extract(&archive, TarGz, &format!("{stem}/{}", sayna_release::name::THIRD_PARTY), &to, u64::MAX)
            .unwrap();
        fs::read_to_string(to).unwrap()
    };
    let third_party = |features: &[&str]| {
        let out = format!("dist/{}", features.len());
        let call = ["package", "--target", triple, "--binary", "src/main.rs", "--out", &out];
        let output = run(world.root(), &[&call, features].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        extracted(&world.path(&out))
    };
    // Whatever this machine has: the table's by default, else those that are named, which may be none.
    assert!(third_party(&[]).contains("libwebrtc"));
    assert!(!third_party(&["--features", ""]).contains("libwebrtc"));
    assert!(third_party(&["--features=livekit"]).contains("libwebrtc"));
    // The licences inside come from the folder that the variable names, as Nix's archive sets it.
    world.edit(
        "sayna-release.toml",
        "url = \"https://example.invalid",
        "licences = \"LICENSE.md\"\nurl = \"https://example.invalid",
    );
    let call = ["package", "--target", triple, "--binary", "src/main.rs", "--out", "dist/inside"];
    let nowhere = run(world.root(), &call);
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert!(nowhere.status.code() == Some(1) && said.contains("SAYNA_TEST_NATIVE does not say where"), "{said}");
    world.write("native/LICENSE.md", "# tiny\n```\nDo as you like.\n```\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.args(call).current_dir(world.root()).env("SAYNA_TEST_NATIVE", world.path("native"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(extracted(&world.path("dist/inside")).contains("tiny in libwebrtc 1: own text ["));
    let wrong = run(world.root(), &["package", "--target", triple, "--binary", "src/main.rs", "--features", "nope"]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(1) && said.contains("nope"), "{said}");
}

fn package_digest(path: &Path) -> sayna_release::digest::Digest {
    sayna_release::digest::Digest::of_file(path).unwrap().0
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs root and setpriv"]
fn the_user_does_not_matter() {
    use std::os::unix::fs::PermissionsExt as _;
    // This very program, as someone else, from a folder where that user may go.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("tests");
    // Not by this process: a program that another test starts meanwhile would hold the copy open for writing, and a file that is
    // being written cannot be run.
    tool(Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&copy));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).current_dir("/");
    let said = tool(command.args(["package::the_bytes_are_those_of_every_other_machine", "--exact"]));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "needs time and 1 GB of disk"]
#[cfg(target_os = "linux")]
fn memory_stays_flat_for_a_gigabyte() {
    let world = project();
    let elsewhere = tempfile::tempdir().unwrap();
    let big = elsewhere.path().join("big");
    fs::File::create(&big).unwrap().set_len(1 << 30).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.args(["package", "--target", "x86_64-unknown-linux-gnu", "--out", "dist/big", "--binary"]).arg(&big);
    let mut child = command.current_dir(world.root()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(resident(child.id()).unwrap_or_default());
        std::thread::yield_now();
    }
    assert!(child.wait().unwrap().success());
    assert!(peak > 0 && peak < 96 << 10, "peak {peak} kB");
}

/// The largest resident size of a process so far, in kB.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_packed_comes_out_again(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 1..6),
        zip in any::<bool>(),
    ) {
        let kind = if zip { Zip } else { TarGz };
        let (mut tree, out) = (Tree::new(), tempfile::tempdir().unwrap());
        tree.names.clear();
        for (n, bytes) in contents.iter().enumerate() {
            let name = if n % 2 == 0 { format!("file-{n}") } else { format!("folder-{}/deep/file", n % 3) };
            fs::create_dir_all(tree.path(&name).parent().unwrap()).unwrap();
            fs::write(tree.path(&name), bytes).unwrap();
            tree.names.push(name);
        }
        let made = tree.pack(kind, out.path()).unwrap();
        let archive = out.path().join(&made.archive.name);
        let names = tree.names.iter().map(String::as_str);
        let planned = package::planned_entries(STEM, "sayna", names, EPOCH, kind);
        prop_assert_eq!(package::list(&archive, kind, u64::MAX).unwrap(), planned);
        for (name, bytes) in tree.names.iter().zip(&contents) {
            let to = out.path().join("unpacked");
            package::extract(&archive, kind, &format!("{STEM}/{name}"), &to, u64::MAX).unwrap();
            prop_assert!(fs::read(&to).unwrap() == *bytes);
        }
    }
}
