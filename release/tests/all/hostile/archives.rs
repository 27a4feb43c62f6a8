//! Archives with more in them than files and folders of the planned modes, and those that unpack to more than was said.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sayna_release::digest::Digest;
use sayna_release::package;
use sayna_release::table::ArchiveKind;
use serde_json::json;
use tar::{Builder, EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{assets, change, verify};
use crate::small_release::Release;

const STEM: &str = "sayna-1.2.3-x86_64-unknown-linux-gnu";

type Entries = Vec<(Header, String, Vec<u8>)>;

fn entries(archive: &Path) -> Entries {
    let mut tar = tar::Archive::new(GzDecoder::new(fs::File::open(archive).unwrap()));
    let read = |entry: io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.header().clone(), entry.path().unwrap().display().to_string(), bytes)
    };
    tar.entries().unwrap().map(read).collect()
}

/// Puts another archive in the place of the good one, with every digest and size that speaks of it.
fn replace(release: &Release, tar: &[u8]) {
    let name = format!("{STEM}.tar.gz");
    let path = assets(release).join(&name);
    let mut gzip = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap();
    let (digest, size) = Digest::of_file(&path).unwrap();
    let line = format!("{}  {name}\n", digest.hex());
    fs::write(path.with_extension("gz.sha256"), &line).unwrap();
    change(release, |manifest| {
        let binary = &mut manifest["binaries"][0];
        binary["archive"] = json!({"name": name, "size": size, "digest": digest.to_string()});
        let checksum = Digest::of(line.as_bytes()).to_string();
        binary["checksum"] = json!({"name": format!("{name}.sha256"), "size": line.len(), "digest": checksum});
    });
}

fn packed(entries: &Entries, before: impl Fn(&mut Builder<Vec<u8>>, &str)) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (header, name, bytes) in entries {
        before(&mut builder, name);
        builder.append_data(&mut header.clone(), name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn more(kind: EntryType, name: &str, mode: u32, link: &str) -> impl Fn(&mut Builder<Vec<u8>>, &str) {
    let (name, link) = (format!("{STEM}/{name}"), link.to_owned());
    move |builder, before| {
        if !before.ends_with("/sayna") {
            return;
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(1_700_000_000);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        if link.is_empty() {
            builder.append_data(&mut header, &name, io::empty()).unwrap();
        } else {
            builder.append_link(&mut header, &name, &link).unwrap();
        }
    }
}

#[test]
fn a_tar_with_anything_but_the_planned_files_is_refused() {
    let release = Release::published();
    let good = entries(&assets(&release).join(format!("{STEM}.tar.gz")));
    let nothing = |_: &mut Builder<Vec<u8>>, _: &str| ();
    replace(&release, &packed(&good, nothing));
    assert_eq!(verify(&release, &[]).0, Some(0), "{}", verify(&release, &[]).1);
    let changed = |change: &dyn Fn(&mut Header)| {
        let mut entries = good.clone();
        let (header, ..) = entries.iter_mut().find(|(_, name, _)| name.ends_with("/sayna")).unwrap();
        change(header);
        packed(&entries, nothing)
    };
    let capability = |builder: &mut Builder<Vec<u8>>, name: &str| {
        if name.ends_with("/sayna") {
            let record: (&str, &[u8]) = ("SCHILY.xattr.security.capability", b"\x01\0\0\x02\xff\xff");
            builder.append_pax_extensions([record]).unwrap();
        }
    };
    let mut folder = good.clone();
    let (header, _, content) = folder.iter_mut().find(|(_, name, _)| name.ends_with("/LICENSE")).unwrap();
    header.set_entry_type(EntryType::Directory);
    header.set_size(0);
    content.clear();
    let twice = packed(&good.iter().chain(good.last()).cloned().collect(), nothing);
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("a capability in a PAX record", packed(&good, capability)),
        ("a symbolic link", packed(&good, more(EntryType::Symlink, "link", 0o777, "/etc/passwd"))),
        ("a hard link", packed(&good, more(EntryType::Link, "link", 0o644, "/etc/passwd"))),
        ("a device", packed(&good, more(EntryType::Char, "tty", 0o666, ""))),
        ("a FIFO", packed(&good, more(EntryType::Fifo, "pipe", 0o666, ""))),
        ("a file that is not planned", packed(&good, more(EntryType::Regular, "more", 0o644, ""))),
        ("a name that differs by case", packed(&good, more(EntryType::Regular, "SAYNA", 0o755, ""))),
        ("an entry twice", twice),
        ("a folder in the place of a file", packed(&folder, nothing)),
        ("setuid", changed(&|h| h.set_mode(0o4755))),
        ("the sticky bit", changed(&|h| h.set_mode(0o1755))),
        ("another owner", changed(&|h| h.set_uid(1000))),
        ("an owner's name", changed(&|h| h.set_username("root").unwrap())),
        ("a group's name", changed(&|h| h.set_groupname("wheel").unwrap())),
        ("a device's number", changed(&|h| h.set_device_major(7).unwrap())),
        ("a link's name", changed(&|h| h.as_gnu_mut().unwrap().linkname[0] = b'x')),
        ("a second archive after the end", [packed(&good, nothing), packed(&good, nothing)].concat()),
    ];
    for (what, tar) in archives {
        replace(&release, &tar);
        let (status, printed) = verify(&release, &[]);
        assert_eq!(status, Some(1), "{what}: {printed}");
        let row = printed.lines().find(|l| l.contains("archives hold what was planned")).unwrap();
        assert!(row.contains("FAILED"), "{what}: {row}");
    }
}

#[test]
fn an_archive_that_unpacks_to_more_than_the_manifest_says_is_refused_with_both_sizes() {
    let release = Release::published();
    let mut bomb = entries(&assets(&release).join(format!("{STEM}.tar.gz")));
    let readme = bomb.iter_mut().find(|(_, name, _)| name.ends_with("/README.md")).unwrap();
    readme.2 = vec![0; 200 << 20];
    readme.0.set_size(200 << 20);
    replace(&release, &packed(&bomb, |_, _| ()));
    let (status, printed) = verify(&release, &[]);
    assert_eq!(status, Some(1));
    assert!(printed.contains("bytes; the limit is ") && printed.contains("an unpacked archive has "), "{printed}");
    change(&release, |manifest| manifest["binaries"][0]["binary"]["size"] = json!(1_u64 << 50));
    let (_, printed) = verify(&release, &[]);
    assert!(printed.contains("has 1125899906842624 bytes; the limit is "), "{printed}");
    let path = assets(&release).join("sayna-1.2.3.release.json");
    fs::write(&path, vec![b' '; (64 << 20) + 1]).unwrap();
    let (_, printed) = verify(&release, &[]);
    assert!(printed.contains("sayna-1.2.3.release.json has 67108865 bytes; the limit is 67108864"), "{printed}");
}

#[test]
fn a_zip_with_anything_but_files_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let options = SimpleFileOptions::default().unix_permissions(0o644);
    let list = |write: &dyn Fn(&mut ZipWriter<fs::File>)| {
        let mut writer = ZipWriter::new(fs::File::create(&path).unwrap());
        write(&mut writer);
        writer.finish().unwrap();
        let listed = package::list(&path, ArchiveKind::Zip, 1 << 20);
        listed.map(|entries| entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    let file = |writer: &mut ZipWriter<fs::File>| {
        writer.start_file("s/README.md", options).unwrap();
        writer.write_all(b"text").unwrap();
    };
    assert!(list(&file).unwrap().starts_with("s/README.md 644 "));
    let link = list(&|writer| writer.add_symlink("s/README.md", "/etc/passwd", options).unwrap()).unwrap();
    assert!(link.contains("(no file: mode 120"), "{link}");
    let commented = list(&|writer| {
        file(writer);
        writer.set_comment("x").unwrap();
    });
    assert!(commented.is_err_and(|e| e.to_string().contains("before or after its entries")));
    let bomb = list(&|writer| {
        writer.start_file("s/zeros", options).unwrap();
        writer.write_all(&vec![0; 2 << 20]).unwrap();
    });
    assert!(bomb.is_err_and(|e| e.to_string().contains("the limit is 1048576")));
}

/// The zip of one planned file, and where each of its parts begins.
fn zip() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let mut writer = ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, method) in [("s/README.md", CompressionMethod::Stored), ("s/sayna.exe", CompressionMethod::Deflated)] {
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(b"text text text text").unwrap();
    }
    writer.finish().unwrap();
    fs::read(&path).unwrap()
}

#[test]
fn a_zip_whose_local_headers_say_other_than_its_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let listed = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        package::list(&path, ArchiveKind::Zip, 1 << 20).map(|entries| entries.len()).map_err(|e| e.to_string())
    };
    let good = zip();
    assert_eq!(listed(&good), Ok(2));
    let second = good.windows(4).skip(1).position(|bytes| bytes == b"PK\x03\x04").unwrap() + 1;
    let changed = |at: usize, bytes: &[u8]| {
        let mut archive = good.clone();
        archive[at..at + bytes.len()].copy_from_slice(bytes);
        archive
    };
    // By "APPNOTE.TXT", 4.3.7: the method is at 8, the time at 10, the checksum at 14, the sizes at 18 and 22, the name at 30.
    for (what, at, bytes, words) in [
        ("another name", second + 30, &b"s/other.exe"[..], "another name, \"s/other.exe\""),
        ("a name above", 30, &b"../../x.exe"[..], "another name"),
        ("another method", second + 8, &[0, 0][..], "another compression or time"),
        ("another time", second + 10, &[1, 1][..], "another compression or time"),
        ("another checksum", second + 14, &[1, 2, 3, 4][..], "another size or checksum"),
        ("another packed size", second + 18, &[1, 0, 0, 0][..], "another size or checksum"),
        ("another size", second + 22, &[1, 0, 0, 0][..], "another size or checksum"),
    ] {
        let refused = listed(&changed(at, bytes)).unwrap_err();
        assert!(refused.contains(words) && refused.contains("local header"), "{what}: {refused}");
    }
    // A third file, of which the directory knows nothing, between the two.
    let mut hidden = good.clone();
    hidden.splice(second..second, good[..second].to_vec());
    assert!(listed(&hidden).is_err());
}
