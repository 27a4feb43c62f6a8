//! `sayna health`: the health check of a container that has no shell and no curl.

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

/// The time limit for the whole check.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The size limit of the answer, in bytes. A correct one is shorter.
const MAX_BODY: usize = 4096;

/// Why a health check failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("`{url}` is not an http:// URL")]
    BadUrl {
        /// The URL as it was given.
        url: String,
    },
    /// The URL needs TLS, which the check does not support.
    #[error("`{url}` is https, and only plain http can be checked")]
    Https {
        /// The URL as it was given.
        url: String,
    },
    /// The URL contains credentials, which the error does not repeat.
    #[error("the URL has an `@` in it, as if behind a user name and a password")]
    Credentials,
    /// The configured port is 0.
    #[error("the configured port is 0, so the running server's port is not known here")]
    PortUnknown,
    /// The connection failed.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// The URL of the request.
        url: Uri,
        /// The error of the system.
        source: io::Error,
    },
    /// The server does not speak HTTP.
    #[error("{url} does not answer in HTTP: {source}")]
    NotHttp {
        /// The URL of the request.
        url: Uri,
        /// The HTTP error.
        source: hyper::Error,
    },
    /// The body is incomplete or too long.
    #[error("{url} answered with a body that is broken or too long")]
    Body {
        /// The URL of the request.
        url: Uri,
    },
    /// The server did not answer in time.
    #[error("{url} did not answer within {} s", TIMEOUT.as_secs())]
    Timeout {
        /// The URL of the request.
        url: Uri,
    },
    /// The status is not 200.
    #[error("{url} answered {status}")]
    Status {
        /// The URL of the request.
        url: Uri,
        /// The HTTP status.
        status: StatusCode,
    },
    /// The status is 200, but the body is not that of a healthy Sayna.
    #[error("{url} answered, but not with {{\"status\":\"OK\"}}")]
    NotOk {
        /// The URL of the request.
        url: Uri,
    },
}

impl Error {
    /// Returns whether the arguments were wrong.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::BadUrl { .. } | Self::Https { .. } | Self::Credentials | Self::PortUnknown)
    }

    /// Returns the next step for the user.
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

/// Returns the URL of a server with this configuration on its own machine.
pub fn url(server: &Server) -> Result<String, Error> {
    if server.port == 0 {
        return Err(Error::PortUnknown);
    }
    let host = match server.host.parse() {
        // An unspecified address is for listening only. It includes the loopback address.
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => server.host.clone(),
    };
    Ok(format!("http://{host}:{}/", server.port))
}

/// Checks the server at `url`. Returns the URL of the request if the answer is correct.
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
    // The task drives the connection. The request reports its errors.
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}
