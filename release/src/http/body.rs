//! A file on its way out.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Body, Error};
use crate::atomic::At as _;

/// Small enough that a worker of the runtime is not kept from others by reading it from a disk.
const CHUNK: usize = 1 << 16;

/// Tells of bytes that are sent in several attempts: those of a second attempt are no news.
pub struct ProgressOnce<'a> {
    on_progress: &'a dyn Fn(u64),
    told: Cell<u64>,
}

impl fmt::Debug for ProgressOnce<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgressOnce({})", self.told.get())
    }
}

impl<'a> ProgressOnce<'a> {
    /// Tells `on_progress`.
    pub fn new(on_progress: &'a dyn Fn(u64)) -> Self {
        Self { on_progress, told: Cell::new(0) }
    }

    /// Returns the progress to report for one attempt's bytes.
    pub fn attempt(&self) -> impl Fn(u64) + '_ {
        let sent = Cell::new(0);
        move |bytes| {
            sent.set(sent.get() + bytes);
            let news = sent.get().saturating_sub(self.told.get());
            if news > 0 {
                self.told.set(sent.get());
                (self.on_progress)(news);
            }
        }
    }
}

/// A file's bytes, counted as they are taken.
struct FileBody {
    file: File,
    left: u64,
    counted: UnboundedSender<u64>,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK));
        let mut chunk = vec![0; wanted];
        Poll::Ready(Some(self.file.read_exact(&mut chunk).map(|()| {
            self.left -= wanted as u64;
            // The receiver of the count is gone when the answer came early.
            let _gone = self.counted.send(wanted as u64);
            Frame::data(Bytes::from(chunk))
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The body for one attempt, and where its bytes are counted.
pub(super) fn open(body: &Body<'_>) -> Result<(reqwest::Body, UnboundedReceiver<u64>), Error> {
    let (counted, counts) = unbounded_channel();
    let body = match body {
        Body::Empty => reqwest::Body::from(Bytes::new()),
        Body::Bytes(bytes, _) => reqwest::Body::from(bytes.clone()),
        Body::File { path, size, .. } => {
            let file = File::open(path).at("read", path)?;
            let found = file.metadata().at("read", path)?.len();
            if found != *size {
                return Err(Error::Resized { path: path.to_path_buf(), expected: *size, found });
            }
            reqwest::Body::wrap(FileBody { file, left: found, counted })
        }
    };
    Ok((body, counts))
}
