//! Layers: sorted tars with fixed owners, modes and times, and their compression.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::Error;
use super::frames::Frames;
use crate::atomic::{self, At as _, AtomicFile};
use crate::bounded::Bounded;
use crate::digest::{Digest, HashingWriter};
use crate::oci::{Descriptor, media};
use crate::package::gzip;
use crate::table::Compression;

/// One entry of a layer.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Its path in the image, without the first slash.
    pub(super) path: String,
    /// Its kind.
    pub(super) kind: NodeKind,
    /// User and group number.
    pub(super) owner: u64,
}

/// The kind of an entry.
#[derive(Debug, Clone)]
pub(super) enum NodeKind {
    /// A folder with that mode.
    Folder(u32),
    /// A copy of a file here.
    File {
        /// Its path here.
        from: PathBuf,
        /// Its mode there.
        mode: u32,
    },
    /// A file with that text, mode 0644.
    Text(String),
    /// A symbolic link.
    Link(String),
}

/// A layer of an image, written as a blob of the layout.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// The compressed blob.
    pub(super) descriptor: Descriptor,
    /// Digest of the tar.
    pub(super) diff_id: Digest,
}

/// Adds every folder above the nodes and sorts: parents come before what is in them.
pub(super) fn complete(mut nodes: Vec<Node>) -> Vec<Node> {
    let mut folders = std::collections::BTreeSet::new();
    for node in &nodes {
        let ancestors = Path::new(&node.path).ancestors().skip(1).filter(|p| !p.as_os_str().is_empty());
        folders.extend(ancestors.map(|p| p.to_string_lossy().into_owned()));
    }
    folders.retain(|folder| !nodes.iter().any(|n| n.path == *folder));
    nodes.extend(folders.into_iter().map(|path| Node { path, kind: NodeKind::Folder(0o755), owner: 0 }));
    nodes.sort_by(|a, b| a.path.cmp(&b.path));
    nodes
}

/// Writes a layer into `blobs` under its digest.
pub(super) fn write(nodes: &[Node], epoch: u64, compression: Compression, blobs: &Path) -> Result<Layer, Error> {
    let file = AtomicFile::create(&blobs.join("layer"))?;
    let compressed = HashingWriter::new(file);
    let (diff_id, (file, digest, size), media_type) = match compression {
        Compression::Gzip => {
            let (diff_id, writer) = tar(nodes, epoch, gzip::Writer::new(compressed))?;
            (diff_id, writer.finish().at("write", blobs)?.into_parts(), media::LAYER_GZIP)
        }
        Compression::Zstd => {
            let encoder = zstd::Encoder::new(compressed, 19).at("write", blobs)?;
            let (diff_id, writer) = tar(nodes, epoch, encoder)?;
            (diff_id, writer.finish().at("write", blobs)?.into_parts(), media::LAYER_ZSTD)
        }
    };
    file.commit_as(&blobs.join(digest.hex()))?;
    Ok(Layer { descriptor: Descriptor::new(media_type, digest, size), diff_id })
}

fn tar<W: Write>(nodes: &[Node], epoch: u64, out: W) -> Result<(Digest, W), Error> {
    let mut builder = tar::Builder::new(HashingWriter::new(out));
    for node in nodes {
        append(&mut builder, node, epoch)?;
    }
    let (out, diff_id, _size) = builder.into_inner().at("write", Path::new("a layer"))?.into_parts();
    Ok((diff_id, out))
}

fn append(builder: &mut tar::Builder<impl Write>, node: &Node, epoch: u64) -> Result<(), Error> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(epoch);
    header.set_uid(node.owner);
    header.set_gid(node.owner);
    header.set_size(0);
    let (mode, kind) = match &node.kind {
        NodeKind::Folder(mode) => (*mode, EntryType::Directory),
        NodeKind::File { mode, .. } => (*mode, EntryType::Regular),
        NodeKind::Text(_) => (0o644, EntryType::Regular),
        NodeKind::Link(_) => (0o777, EntryType::Symlink),
    };
    header.set_mode(mode);
    header.set_entry_type(kind);
    match &node.kind {
        NodeKind::Folder(_) => builder.append_data(&mut header, format!("{}/", node.path), io::empty()),
        NodeKind::Link(target) => builder.append_link(&mut header, &node.path, target),
        NodeKind::Text(text) => {
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, &node.path, text.as_bytes())
        }
        NodeKind::File { from, .. } => {
            let file = File::open(from).at("read", from)?;
            let size = file.metadata().at("read", from)?.len();
            header.set_size(size);
            builder.append_data(&mut header, &node.path, file.take(size))
        }
    }
    .at("pack", Path::new(&node.path))?;
    Ok(())
}

/// The kind of a path in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A file.
    File,
    /// A symbolic link, or with a slash at its beginning a hard one.
    Link(String),
    /// A folder, or a file that is not run.
    Other,
}

/// Every path of a compressed layer, without slashes at its ends.
pub(super) fn paths(file: File, media_type: &str, limit: u64) -> io::Result<Vec<(String, Found)>> {
    let mut archive = opened(file, media_type, limit)?;
    let mut paths = Vec::new();
    for entry in archive.entries()? {
        let entry = entry?;
        let link = || entry.link_name_bytes().map(|l| String::from_utf8_lossy(&l).into_owned()).unwrap_or_default();
        let found = match entry.header().entry_type() {
            EntryType::Symlink => Found::Link(link()),
            EntryType::Link => Found::Link(format!("/{}", link())),
            kind if kind.is_file() => Found::File,
            _ => Found::Other,
        };
        paths.push((plain(&String::from_utf8_lossy(&entry.path_bytes())).to_owned(), found));
    }
    Ok(paths)
}

/// One path of a layer with what is in it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Without slashes at its ends.
    pub(super) path: String,
    /// Digest and size of a file; `None` for everything else.
    pub(super) file: Option<(Digest, u64)>,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// The bytes of a file whose path `kept` accepts, cut off at `most`.
    pub(super) bytes: Vec<u8>,
}

/// Every path of a compressed layer with the digests of its files. Layers with more than `count` entries are refused.
pub(super) fn entries(
    file: File,
    media_type: &str,
    limit: u64,
    count: usize,
    kept: (fn(&str) -> bool, u64),
) -> io::Result<Vec<Entry>> {
    let mut archive = opened(file, media_type, limit)?;
    let mut found = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        if found.len() >= count {
            return Err(io::Error::other(format!("it has more than {count} entries, which is the limit")));
        }
        let path = plain(&String::from_utf8_lossy(&entry.path_bytes())).to_owned();
        let kind = entry.header().entry_type();
        let mut bytes = Vec::new();
        let file = if kind.is_file() {
            if (kept.0)(&path) {
                entry.by_ref().take(kept.1).read_to_end(&mut bytes)?;
            }
            let mut hashing = HashingWriter::new(io::sink());
            hashing.write_all(&bytes)?;
            io::copy(&mut entry, &mut hashing)?;
            Some(hashing.finish())
        } else {
            None
        };
        found.push(Entry { path, file, folder: kind.is_dir(), bytes });
    }
    Ok(found)
}

/// Digest and size of one file in a compressed layer; `None` where it has none of that path.
pub(super) fn find(file: File, media_type: &str, path: &str, limit: u64) -> io::Result<Option<(Digest, u64)>> {
    let mut archive = opened(file, media_type, limit)?;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let is_it = plain(&String::from_utf8_lossy(&entry.path_bytes())) == plain(path);
        if is_it && entry.header().entry_type().is_file() {
            return Digest::of_reader(&mut entry).map(Some);
        }
    }
    Ok(None)
}

/// Writers differ in how they begin and end a path: `./a`, `/a`, `a/`.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_matches('/')
}

fn opened(file: File, media_type: &str, limit: u64) -> io::Result<tar::Archive<Bounded<Box<dyn Read>>>> {
    let file = BufReader::new(file);
    let reader: Box<dyn Read> = match media_type {
        media::LAYER_GZIP => Box::new(MultiGzDecoder::new(file)),
        media::LAYER_ZSTD => Box::new(Frames::new(file)),
        other => return Err(io::Error::other(format!("{other:?} is no layer that this program reads"))),
    };
    Ok(tar::Archive::new(Bounded::new(reader, "an unpacked layer", limit)))
}

/// Writes a small blob under its digest.
pub(super) fn blob(bytes: &[u8], media_type: &str, blobs: &Path) -> Result<Descriptor, Error> {
    let digest = Digest::of(bytes);
    atomic::write(&blobs.join(digest.hex()), bytes)?;
    Ok(Descriptor::new(media_type, digest, bytes.len() as u64))
}
