//! The time limit for the whole body of a request. Without it, a slow body would hold its connection forever.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::app::App;
use crate::error::Error;

/// Passes a request on with a time limit for its body. The handler reads an error from a late body, and the response is
/// [`Error::BodyTimeout`].
pub(super) async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let limit = app.shared.config.server.body_timeout;
    let late = Arc::new(AtomicBool::new(false));
    let (parts, body) = request.into_parts();
    let timed = Timed { body, deadline: Box::pin(sleep(limit)), late: Arc::clone(&late) };
    let response = next.run(Request::from_parts(parts, Body::new(timed))).await;
    if late.load(Ordering::Relaxed) { Error::BodyTimeout(limit.as_secs()).into_response() } else { response }
}

/// A body with a deadline.
struct Timed {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    late: Arc<AtomicBool>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Before the body, because a peer that always sends one more byte would never be late.
        if self.deadline.as_mut().poll(context).is_ready() {
            self.late.store(true, Ordering::Relaxed);
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
