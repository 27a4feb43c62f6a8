//! Asks a running server whether it is well: the health check of a container that has no shell and no curl.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Server;

/// How long a server may take for its answer, from the first packet on.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// More than any answer that could be right; the rest of a longer one is not read.
const MAX_BODY: usize = 4096;

/// Why a server is not known to be well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a URL that can be asked.
    #[error("`{url}` is not an http:// URL")]
    BadUrl {
        /// As given.
        url: String,
    },
    /// TLS is not spoken here.
    #[error("`{url}` is https, and only plain http can be checked")]
    Https {
        /// As given.
        url: String,
    },
    /// A secret where none is needed, which is not repeated.
    #[error("the URL has an `@` in it, as if behind a user name and a password")]
    Credentials,
    /// The configuration leaves the port to the system.
    #[error("the configured port is 0, so the running server's port is not known here")]
    PortUnknown,
    /// No connection.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// What was asked.
        url: Uri,
        /// What the system said.
        source: io::Error,
    },
    /// A connection, but no answer on it.
    #[error("{url} does not answer in HTTP: {source}")]
    NotHttp {
        /// What was asked.
        url: Uri,
        /// What was wrong.
        source: hyper::Error,
    },
    /// An answer that cannot be read to its end.
    #[error("{url} answered with a body that is broken or too long")]
    Body {
        /// What was asked.
        url: Uri,
    },
    /// Nothing came in time.
    #[error("{url} did not answer within {} s", TIMEOUT.as_secs())]
    Timeout {
        /// What was asked.
        url: Uri,
    },
    /// Another status than 200.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked.
        url: Uri,
        /// What it answered.
        status: StatusCode,
    },
    /// 200, but from something that is not Sayna, or not well.
    #[error("{url} answered, but not with {{\"status\":\"OK\"}}")]
    NotOk {
        /// What was asked.
        url: Uri,
    },
}

impl Error {
    /// Whether the question was wrong, rather than the answer.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::BadUrl { .. } | Self::Https { .. } | Self::Credentials | Self::PortUnknown)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadUrl { .. } => "write it like http://127.0.0.1:3001".to_owned(),
            Self::Https { .. } => "ask the server itself, behind what speaks TLS: http://127.0.0.1:3001".to_owned(),
            Self::Credentials => "a health check sends none; leave out all before `@`".to_owned(),
            Self::PortUnknown => "give the URL that `sayna` printed when it started".to_owned(),
            Self::Unreachable { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
                "no server listens there; start it with `sayna`, or give the URL that it printed".to_owned()
            }
            Self::Status { .. } | Self::NotOk { .. } | Self::NotHttp { .. } => {
                "is another program listening there?".to_owned()
            }
            _ => return None,
        })
    }
}

/// Where a server with this configuration is reached from its own machine.
pub fn url(server: &Server) -> Result<String, Error> {
    if server.port == 0 {
        return Err(Error::PortUnknown);
    }
    let host = match server.host.parse() {
        // "All addresses" is for listening only; loopback is among them.
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => server.host.clone(),
    };
    Ok(format!("http://{host}:{}/", server.port))
}

/// Asks the server at `url`; returns what was asked if the answer is right.
pub async fn probe(url: &str) -> Result<Uri, Error> {
    let uri = parse(url)?;
    let body = timeout(TIMEOUT, get(&uri)).await.unwrap_or_else(|_| Err(Error::Timeout { url: uri.clone() }))?;
    let status = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let well = status.as_ref().and_then(|body| body.get("status")).is_some_and(|status| status == "OK");
    if well { Ok(uri) } else { Err(Error::NotOk { url: uri }) }
}

fn parse(url: &str) -> Result<Uri, Error> {
    let bad = || Error::BadUrl { url: url.to_owned() };
    if url.contains('@') {
        return Err(Error::Credentials);
    }
    let uri = url.parse::<Uri>().map_err(|_| bad())?;
    // It checks the port too.
    url::Url::parse(url).map_err(|_| bad())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) if !host.is_empty() => Ok(uri),
        (Some("https"), _) => Err(Error::Https { url: url.to_owned() }),
        _ => Err(bad()),
    }
}

async fn get(uri: &Uri) -> Result<Bytes, Error> {
    let host = uri.host().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let stream = TcpStream::connect((address, uri.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(|source| Error::Unreachable { url: uri.clone(), source })?;
    let http = |source| Error::NotHttp { url: uri.clone(), source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, uri.authority().map_or(host, |authority| authority.as_str()))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| Error::BadUrl { url: uri.to_string() })?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(http)?;
        if response.status() != StatusCode::OK {
            return Err(Error::Status { url: uri.clone(), status: response.status() });
        }
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| Error::Body { url: uri.clone() })
    };
    // The connection has to be driven for the answer to arrive; its own end is no news.
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}
