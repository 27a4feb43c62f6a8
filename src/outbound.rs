//! Outgoing connections: one HTTP connection pool, one TLS configuration and one choice of proxies for the whole process, for
//! requests and for WebSocket connections.

mod connect;
mod proxy;
mod retry;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

pub use connect::Stream;
use proxy::Proxies;
pub(crate) use proxy::is_localhost;
pub(crate) use retry::RetryPolicy;

/// The time limit for a connection. A vendor usually answers within one second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit for a download that makes no progress.
#[cfg(feature = "models")]
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The time for which an idle connection is kept, and the number of idle connections per host.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const MAX_IDLE: usize = 64;

/// Why outgoing connections cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of `server.extra_ca` cannot be used.
    #[error("`server.extra_ca`: {}: {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// An environment variable names an invalid proxy.
    #[error("{name} {reason}: name an HTTP proxy, such as http://proxy.example:3128, or unset it")]
    Proxy {
        /// The variable, in capitals.
        name: &'static str,
        /// The problem.
        reason: &'static str,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// The HTTP client, the TLS configuration and the proxies. Built once at the start. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The client for requests.
    pub http: reqwest::Client,
    tls: Arc<ClientConfig>,
    proxies: Proxies,
}

impl Outbound {
    /// Builds the clients. TLS is rustls with ring. It trusts the compiled-in roots of Mozilla, and those in `extra_ca`.
    pub fn new(extra_ca: Option<&Path>) -> Result<Self, Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = extra_ca {
            add(&mut roots, path).map_err(|reason| Error::Authority { path: path.to_owned(), reason })?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let tls = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        let (tls, proxies) = (Arc::new(tls), Proxies::of_environment()?);
        let http =
            builder_with(&tls, &proxies).pool_idle_timeout(IDLE_TIMEOUT).pool_max_idle_per_host(MAX_IDLE).build()?;
        Ok(Self { http, tls, proxies })
    }

    /// Returns a builder for a client with other limits, but the same TLS configuration and proxies.
    pub fn builder(&self) -> reqwest::ClientBuilder {
        builder_with(&self.tls, &self.proxies)
    }

    /// Returns a client that connects to one host at these addresses only, without resolving it. Proxies still apply.
    pub fn pinned(&self, host: &str, addresses: &[SocketAddr]) -> Result<reqwest::Client, Error> {
        Ok(self.builder().resolve_to_addrs(host, addresses).build()?)
    }

    /// Returns a client that follows redirects, for large files from public hosts.
    #[cfg(feature = "models")]
    pub fn following(&self) -> Result<reqwest::Client, Error> {
        let redirects = reqwest::redirect::Policy::limited(5);
        Ok(self.builder().read_timeout(READ_TIMEOUT).redirect(redirects).build()?)
    }
}

/// Returns a builder without redirects, which could send credentials to another host.
fn builder_with(tls: &ClientConfig, proxies: &Proxies) -> reqwest::ClientBuilder {
    let proxies = proxies.clone();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .proxy(reqwest::Proxy::custom(move |url| proxies.of(url).map(|proxy| proxy.url)))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("sayna/", env!("CARGO_PKG_VERSION")))
}

/// Returns the causes of a request's error, without the URL, which may contain a key.
pub(crate) fn told(error: &reqwest::Error) -> String {
    let causes: Vec<_> = causes(error).collect();
    if causes.is_empty() { "the request failed".to_owned() } else { causes.join(": ") }
}

/// Returns the causes of an error, down to the last.
fn causes(error: &(dyn std::error::Error + 'static)) -> impl Iterator<Item = String> {
    std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string)
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())? {
        roots.add(certificate.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        count += 1;
    }
    if count == 0 { Err("has no certificate; a PEM file of certificates is expected".to_owned()) } else { Ok(()) }
}
