//! Images: the same bytes everywhere, exactly the files that are needed, and real tools that read and run them.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::read::GzDecoder;
use sayna_release::image::{self, Assembled, Error, Input, closure};
use sayna_release::oci::{self, annotation};
use sayna_release::plan::Plan;
use sayna_release::table::Compression;

use crate::fixture::{plan, tree};

fn assemble(plan: &Plan, binary: &Path, compression: Compression, layout: &Path) -> Result<Assembled, Error> {
    let platform = &plan.image.as_ref().unwrap().platforms[0];
    image::assemble(&Input { plan, platform, binary, models: &[], compression }, layout)
}

/// The entries of a layer: path, mode, owner, link.
fn entries(layout: &Path, descriptor: &oci::Descriptor) -> Vec<(String, u32, u64, String)> {
    let bytes = fs::read(layout.join("blobs/sha256").join(descriptor.digest.hex())).unwrap();
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let read = |entry: std::io::Result<tar::Entry<'_, GzDecoder<&[u8]>>>| {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 1_700_000_000);
        let link = entry.link_name().unwrap().map(|l| l.display().to_string()).unwrap_or_default();
        let path = entry.path().unwrap().display().to_string();
        (path, header.mode().unwrap(), header.uid().unwrap(), link)
    };
    archive.entries().unwrap().map(read).collect()
}

#[test]
fn a_layout_holds_exactly_the_loader_the_libraries_the_certificates_and_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    let made = assemble(&plan, Path::new("/bin/true"), Compression::Gzip, folder.path()).unwrap();
    let layout = oci::Layout::open(folder.path()).unwrap();
    let manifest = layout.manifest(made.manifest).unwrap();
    let lower = entries(folder.path(), &manifest.layers[0]);
    let names: Vec<&str> = lower.iter().map(|(name, ..)| name.as_str()).collect();
    let expected = [
        "app/",
        "app/cache/",
        "etc/",
        "etc/group",
        "etc/passwd",
        "etc/ssl/",
        "etc/ssl/certs/",
        "etc/ssl/certs/ca-certificates.crt",
        "lib/",
        "lib/x86_64-linux-gnu/",
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib64/",
        "lib64/ld-linux-x86-64.so.2",
        "tmp/",
        "usr/",
        "usr/bin/",
    ];
    // The packages that these files belong to are described too, in the form of distroless images.
    let described = ["usr/lib/", "usr/share/", "var/"];
    let (told, names): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| described.iter().any(|folder| name.starts_with(folder)));
    assert_eq!(names, expected);
    let packages = ["base-files", "ca-certificates", "libc6"].map(|name| format!("var/lib/dpkg/status.d/{name}"));
    assert!(packages.iter().all(|entry| told.contains(&entry.as_str())), "{told:?}");
    let of = |name: &str| lower.iter().find(|(n, ..)| n == name).map(|(_, mode, owner, _)| (*mode, *owner)).unwrap();
    assert_eq!(of("app/cache/"), (0o755, 65532));
    assert_eq!(of("tmp/"), (0o1777, 0));
    let upper = entries(folder.path(), &manifest.layers[1]);
    let link = ("app/sayna".to_owned(), 0o777, 0, "/usr/bin/sayna".to_owned());
    assert_eq!(upper, [link, ("usr/bin/sayna".to_owned(), 0o755, 0, String::new())]);
}

#[test]
fn models_lie_where_the_binary_looks_in_a_layer_that_it_does_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let (model, plan) = (folder.path().join("ears.onnx"), plan("1.2.3", 1, 1));
    fs::write(&model, "ears").unwrap();
    let models = [("en/ears.onnx".to_owned(), model)];
    let platform = &plan.image.as_ref().unwrap().platforms[0];
    let layers = |binary: &str| {
        let layout = folder.path().join("layout");
        let input =
            Input { plan: &plan, platform, binary: Path::new(binary), models: &models, compression: Compression::Gzip };
        let made = image::assemble(&input, &layout).unwrap();
        let layers = oci::Layout::open(&layout).unwrap().manifest(made.manifest).unwrap().layers;
        (entries(&layout, &layers[1]), layers)
    };
    let (inside, old) = layers("/bin/true");
    let names: Vec<&str> = inside.iter().map(|(name, ..)| name.as_str()).collect();
    let folders = ["usr/", "usr/share/", "usr/share/sayna/", "usr/share/sayna/models/", "usr/share/sayna/models/en/"];
    assert_eq!(names, [&folders[..], &["usr/share/sayna/models/en/ears.onnx"]].concat());
    assert_eq!(inside.last().unwrap().1, 0o644);
    let (_, new) = layers("/bin/false");
    assert_eq!(old[..2], new[..2]);
    assert!(old.len() == 3 && old[2] != new[2]);
}

#[test]
fn configuration_annotations_and_labels_say_what_they_must() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    let made = assemble(&plan, Path::new("/bin/true"), Compression::Gzip, folder.path()).unwrap();
    let layout = oci::Layout::open(folder.path()).unwrap();
    let manifest = layout.manifest(made.manifest).unwrap();
    let config: oci::Config =
        serde_json::from_slice(&fs::read(layout.blob_path(manifest.config.digest)).unwrap()).unwrap();
    assert_eq!((config.os.as_str(), config.architecture.as_str()), ("linux", "amd64"));
    assert_eq!(config.config.user, "65532:65532");
    assert_eq!(config.config.entrypoint, ["/app/sayna"]);
    assert!(config.config.exposed_ports.contains_key("3001/tcp"));
    assert!(config.config.env.contains(&"CACHE_PATH=/app/cache".to_owned()));
    assert_eq!((config.rootfs.diff_ids.len(), config.history.len()), (2, 2));
    assert_eq!(config.config.labels, manifest.annotations);
    let says = |key: &str| manifest.annotations[key].as_str();
    assert_eq!(says(annotation::VERSION), "1.2.3");
    assert_eq!(says(annotation::REVISION), plan.commit);
    assert_eq!(says(annotation::CREATED), "2023-11-14T22:13:20Z");
    assert_eq!(says(annotation::LICENSES), "Apache-2.0");
    assert_eq!(made.compressed, manifest.layers.iter().map(|l| l.size).sum::<u64>());
}

#[test]
fn equal_input_gives_equal_bytes_in_another_folder_and_again_in_the_same() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plan = plan("1.2.3", 1, 1);
    assemble(&plan, Path::new("/bin/true"), Compression::Gzip, &one.path().join("a")).unwrap();
    // A copy with another time, mode and name is the same binary.
    let copy = two.path().join("something-else");
    fs::copy("/bin/true", &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).unwrap();
    assemble(&plan, &copy, Compression::Gzip, &two.path().join("layout")).unwrap();
    let first = tree(&one.path().join("a"));
    assert!(first == tree(&two.path().join("layout")));
    fs::write(one.path().join("a/blobs/sha256/stale"), "left by an earlier build").unwrap();
    assemble(&plan, &copy, Compression::Gzip, &one.path().join("a")).unwrap();
    assert!(first == tree(&one.path().join("a")));
}

#[test]
fn a_new_version_of_the_binary_leaves_the_lower_layer() {
    let folder = tempfile::tempdir().unwrap();
    let layers = |version: &str, binary: &str| {
        let layout = folder.path().join(version);
        let made = assemble(&plan(version, 1, 1), Path::new(binary), Compression::Zstd, &layout).unwrap();
        oci::Layout::open(&layout).unwrap().manifest(made.manifest).unwrap().layers
    };
    let (old, new) = (layers("1.2.3", "/bin/true"), layers("1.2.4", "/bin/false"));
    assert_eq!(old[0], new[0]);
    assert_ne!(old[1], new[1]);
    assert_eq!(old[0].media_type, oci::media::LAYER_ZSTD);
    // The executable is found again in a layer of either compression.
    let blob = folder.path().join("1.2.3/blobs/sha256").join(old[1].digest.hex());
    let found = image::executable(&[(blob, &old[1].media_type)], "/app/sayna", u64::MAX).unwrap();
    assert_eq!((found.name.as_str(), found.size), ("usr/bin/sayna", fs::metadata("/bin/true").unwrap().len()));
}

#[test]
fn an_executable_of_another_processor_and_one_without_section_headers() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read("/bin/true").unwrap();
    // e_shoff, e_shnum and e_shstrndx gone: what a program loads is in its segments.
    bytes[0x28..0x30].fill(0);
    bytes[0x3c..0x40].fill(0);
    let stripped = closure::parse(&bytes).unwrap();
    assert_eq!(stripped.libraries, ["libc.so.6"]);
    // e_machine: AArch64.
    bytes[0x12] = 183;
    let other = folder.path().join("other");
    fs::write(&other, bytes).unwrap();
    let made = assemble(&plan("1.2.3", 1, 1), &other, Compression::Gzip, &folder.path().join("layout"));
    assert!(matches!(made, Err(Error::Machine { .. })), "{made:?}");
}

#[test]
fn libraries_come_from_the_tree_that_stands_for_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let system = closure::closure(Path::new("/bin/true"), "x86_64", Path::new("/")).unwrap();
    assert_eq!(system.len(), 2);
    for file in &system {
        let to = folder.path().join(&file.inside);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file.from, to).unwrap();
    }
    let found = closure::closure(Path::new("/bin/true"), "x86_64", folder.path()).unwrap();
    let there = |file: &closure::SystemFile| folder.path().join(&file.inside);
    assert!(found.iter().zip(&system).all(|(f, s)| f.inside == s.inside && f.from == there(f)), "{found:?}");
    fs::remove_file(there(&found[0])).unwrap();
    let missing = closure::closure(Path::new("/bin/true"), "x86_64", folder.path());
    assert!(matches!(missing, Err(Error::NoLibrary { .. })), "{missing:?}");
}

#[test]
fn another_machines_platform_and_a_file_that_is_no_elf_are_typed_errors() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 2, 2);
    let platform = &plan.image.as_ref().unwrap().platforms[1];
    let compression = Compression::Gzip;
    let input = Input { plan: &plan, platform, binary: Path::new("/bin/true"), models: &[], compression };
    let layout = folder.path().join("layout");
    assert!(matches!(image::assemble(&input, &layout), Err(Error::NotHere { .. })));
    let text = folder.path().join("text");
    fs::write(&text, "#!/bin/sh\n").unwrap();
    assert!(matches!(assemble(&plan, &text, compression, &layout), Err(Error::Elf { .. })));
}

#[test]
fn truncated_and_changed_executables_never_panic() {
    let bytes = fs::read("/bin/true").unwrap();
    for length in (0..bytes.len()).step_by(97) {
        let _either = closure::parse(&bytes[..length]).is_ok();
    }
    let mut changed = bytes.clone();
    for position in 0..4096.min(bytes.len()) {
        changed[position] ^= 0xff;
        let _either = closure::parse(&changed).is_ok();
        changed[position] ^= 0xff;
    }
    let needs = closure::parse(&bytes).unwrap();
    assert_eq!(needs.loader.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
    assert_eq!(needs.libraries, ["libc.so.6"]);
}

// What follows needs tools that a fresh machine does not have; `.ci/run` installs them.

/// Runs a tool and gives its output; a tool that is not there stops the test.
pub(crate) fn tool(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run .ci/setup"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

/// How many layouts of the server this process has made.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The real server in a layout. The layout's folder is the first value.
fn server() -> (tempfile::TempDir, PathBuf) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(cargo);
    // As the tests themselves are built: for one package alone Cargo would compile its dependencies once more.
    build.current_dir(root).args(["test", "--no-run", "--locked", "--workspace", "--message-format", "json"]);
    // What Cargo says to these tests of their package: a crate that looks at it (ring) would be compiled again, and with it
    // everything above it, the running tests too.
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG"))
    {
        build.env_remove(name);
    }
    let messages = tool(&mut build);
    let binary = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_server = message["target"]["name"] == "sayna" && message["target"]["kind"][0] == "bin";
        let is_program = is_server && message["profile"]["test"] == false;
        is_program.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    // podman takes the folder for a repository's name, which has no capitals.
    let name = format!("sayna-image-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir().unwrap();
    let layout = folder.path().join("layout");
    assemble(&plan("1.2.3", 1, 1), &binary.unwrap(), Compression::Gzip, &layout).unwrap();
    (folder, layout)
}

#[test]
#[ignore = "needs skopeo"]
fn skopeo_reads_the_layout() {
    let (_folder, layout) = server();
    let text = tool(Command::new("skopeo").arg("inspect").arg(format!("oci:{}:1.2.3", layout.display())));
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&seen["Architecture"], &seen["Os"]), (&"amd64".into(), &"linux".into()));
    assert_eq!(seen["Labels"][annotation::VERSION], "1.2.3");
    assert_eq!(seen["Layers"].as_array().unwrap().len(), 2);
    // A copy by skopeo checks every digest on the way.
    let to = layout.with_file_name("copy");
    tool(
        Command::new("skopeo")
            .arg("copy")
            .arg(format!("oci:{}:1.2.3", layout.display()))
            .arg(format!("oci:{}:1.2.3", to.display())),
    );
}

/// Waits for the server's own word on where it listens, then asks it.
pub(crate) fn asks(mut child: Child) -> String {
    use std::io::{BufRead as _, BufReader};
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address =
        lines.find_map(|line| line.split("http://").nth(1).map(|a| a.split_whitespace().next().unwrap().to_owned()));
    let address = address.expect("the server says where it listens");
    let mut stream = TcpStream::connect(address.trim_end_matches('/')).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // A container outlives a client that was killed: ask it to end, as an operator would.
    let ended = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    assert!(ended.success());
    child.wait().unwrap();
    answer
}

pub(crate) fn is_ok(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"status":"OK"}"#), "{answer}");
}

#[test]
#[ignore = "needs umoci, bubblewrap and root"]
fn the_entrypoint_answers_in_its_own_root_under_bubblewrap() {
    let (folder, layout) = server();
    let bundle = folder.path().join("bundle");
    tool(Command::new("umoci").args(["unpack", "--image"]).arg(format!("{}:1.2.3", layout.display())).arg(&bundle));
    let config: serde_json::Value = serde_json::from_slice(&fs::read(bundle.join("config.json")).unwrap()).unwrap();
    assert_eq!(
        (&config["process"]["user"]["uid"], &config["process"]["args"][0]),
        (&65532.into(), &"/app/sayna".into())
    );
    // A runtime makes these two; bubblewrap cannot in a root that is read-only.
    for name in ["proc", "dev"] {
        fs::create_dir_all(bundle.join("rootfs").join(name)).unwrap();
    }
    let sandbox = |variables: &BTreeMap<&str, &str>, arguments: &[&str]| {
        let mut command = Command::new("bwrap");
        command.arg("--ro-bind").arg(bundle.join("rootfs")).args([
            "/",
            "--unshare-user",
            "--uid",
            "65532",
            "--gid",
            "65532",
        ]);
        command.args(["--proc", "/proc", "--dev", "/dev", "--clearenv", "--die-with-parent"]);
        for (name, value) in variables {
            command.args(["--setenv", name, value]);
        }
        command.arg("/app/sayna").args(arguments);
        command
    };
    assert!(tool(&mut sandbox(&BTreeMap::new(), &["--version"])).starts_with("sayna "));
    let variables = BTreeMap::from([("HOST", "127.0.0.1"), ("PORT", "0")]);
    is_ok(&asks(sandbox(&variables, &[]).stdout(Stdio::piped()).spawn().unwrap()));
}

const CONTAINERS: &str = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\nnetns = \"host\"\n\
                          [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\n";

/// podman with its images in `folder`, on a machine that allows little.
pub(crate) fn podman(folder: &Path) -> Command {
    let at = |name: &str| folder.join(name);
    let (run, graph) = (at("run").display().to_string(), at("graph").display().to_string());
    let storage = format!("[storage]\ndriver = \"vfs\"\nrunroot = {run:?}\ngraphroot = {graph:?}\n");
    fs::write(at("storage.conf"), storage).unwrap();
    fs::write(at("containers.conf"), CONTAINERS).unwrap();
    let mut command = Command::new("podman");
    command.env("CONTAINERS_CONF", at("containers.conf")).env("CONTAINERS_STORAGE_CONF", at("storage.conf"));
    command
}

#[test]
#[ignore = "needs podman, runc and root"]
fn podman_runs_the_image_read_only_without_rights() {
    let (folder, layout) = server();
    let image = format!("oci:{}:1.2.3", layout.display());
    let podman = |flags: &[&str], arguments: &[&str]| {
        let mut command = podman(folder.path());
        command.args(["run", "--rm", "--read-only", "--cap-drop=all", "--security-opt", "no-new-privileges"]);
        command.args(flags).arg(&image).args(arguments);
        command
    };
    assert!(tool(&mut podman(&["--network=none"], &["--version"])).starts_with("sayna "));
    // Only the image's own user writes to its cache, and `health` is the container's check without a shell.
    let variables = ["-e", "HOST=127.0.0.1", "-e", "PORT=0"];
    let volume = [&["--volume", "/app/cache"], &variables[..]].concat();
    is_ok(&asks(podman(&volume, &[]).stdout(Stdio::piped()).spawn().unwrap()));
    let without = podman(&variables, &[]).output().unwrap();
    let said = String::from_utf8_lossy(&without.stderr);
    assert!(!without.status.success() && said.contains("/app/cache: Read-only file system"), "{said}");
    assert!(said.contains("mount a volume there"), "{said}");
}
