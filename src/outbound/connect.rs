//! WebSocket connections, made like those of requests: Happy Eyeballs for the addresses of a host (RFC 8305), CONNECT for
//! proxies (RFC 9110, section 9.3.6).

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tower_service::Service;
use url::Url;

use super::proxy::Proxy;
use super::{CONNECT_TIMEOUT, Outbound, causes};

/// A connection to the host or to a proxy: TCP, with TLS if the scheme requires it.
type Near = Either<TcpStream, TlsStream<TcpStream>>;

/// A connection to the host itself.
pub type Stream = Either<Near, Box<TlsStream<Near>>>;

type Failure = Box<dyn StdError + Send + Sync>;

impl Outbound {
    /// Connects to the host of an `http`, `https`, `ws` or `wss` URL, with TLS if the scheme requires it. The error is a text
    /// without the URL.
    pub async fn connect(&self, url: &Url) -> Result<Stream, String> {
        self.dial(url).await.map_err(|error| chain(&*error))
    }

    async fn dial(&self, url: &Url) -> Result<Stream, Failure> {
        let (host, is_secure) =
            (url.host_str().ok_or("its address has no host")?, matches!(url.scheme(), "https" | "wss"));
        let port = url.port_or_known_default().unwrap_or(443);
        let scheme = if is_secure { "https" } else { "http" };
        let destination: Uri = format!("{scheme}://{host}:{port}/").parse()?;
        let mut dialer = Dialer::new(Arc::clone(&self.tls));
        let Some(Proxy { url: proxy, authorization }) = self.proxies.of(url) else {
            return Ok(Either::Left(dialer.call(destination).await?.into_inner()));
        };
        let mut tunnel = Tunnel::new(proxy.as_str().parse()?, dialer);
        if let Some(authorization) = authorization {
            tunnel = tunnel.with_auth(authorization);
        }
        let near =
            tunnel.call(destination).await.map_err(|e| format!("the proxy {}: {}", origin(&proxy), chain(&e)))?;
        let near = near.into_inner();
        if !is_secure {
            return Ok(Either::Left(near));
        }
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name(host)?, near).await?;
        Ok(Either::Right(Box::new(stream)))
    }
}

/// Returns the part of a proxy's address that may be shown.
fn origin(proxy: &Url) -> String {
    proxy.origin().ascii_serialization()
}

/// Connects to a host or a proxy, with TLS if the scheme is `https`.
#[derive(Clone)]
struct Dialer {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
}

impl Dialer {
    fn new(tls: Arc<ClientConfig>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Pieces of audio are small and must be sent at once.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self { tcp, tls }
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Near>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, tls) = (self.tcp.call(to.clone()), Arc::clone(&self.tls));
        Box::pin(async move {
            let stream = connecting.await?.into_inner();
            if to.scheme_str() != Some("https") {
                return Ok(TokioIo::new(Either::Left(stream)));
            }
            let stream = TlsConnector::from(tls).connect(name(to.host().unwrap_or_default())?, stream).await?;
            Ok(TokioIo::new(Either::Right(stream)))
        })
    }
}

/// Returns a host as certificates name it: an IPv6 address has no brackets.
fn name(host: &str) -> Result<ServerName<'static>, Failure> {
    Ok(ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned())?)
}

/// Returns an error with its causes.
fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).fold(
        error.to_string(),
        |text, cause| {
            if text.contains(&cause) { text } else { format!("{text}: {cause}") }
        },
    )
}
