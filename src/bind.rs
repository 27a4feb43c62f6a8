//! Taking an address, and what to do where that fails.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpStream, lookup_host};

use crate::config::Server;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {host} port {port}: {source}")]
pub struct BindError {
    /// `server.host`.
    pub host: String,
    /// `server.port`.
    pub port: u16,
    /// Whether it is `metrics.listen` instead.
    pub is_metrics: bool,
    /// What the system said.
    pub source: io::Error,
}

impl BindError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if self.is_metrics {
            let hint = "the metrics need an address of this machine and a free port; choose them with \
                        `metrics.listen` (SAYNA_METRICS_LISTEN)";
            return Some(hint.to_owned());
        }
        let hint = match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there; stop it, or choose another port: `PORT=3002 sayna`, or `server.port` \
                 in the configuration (0 takes any free one)"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 are often reserved for the system; choose a higher one with PORT or `server.port`"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address; HOST or `server.host` must be one of its own, or 0.0.0.0 \
                 for all of them"
            }
            _ => "check HOST (`server.host`) and PORT (`server.port`); `sayna check` shows where they come from",
        };
        Some(hint.to_owned())
    }
}

/// What a server listens on: one address, or each of those that a name has.
#[derive(Debug)]
pub struct Listener(Vec<TcpListener>);

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(vec![listener])
    }
}

impl Listener {
    /// The addresses, in the order in which the name has them.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.0.iter().map(TcpListener::local_addr).collect()
    }

    /// The next connection on any of them. Cancel safe.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    pub(crate) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        let ready = self.0.iter().find_map(|listener| match listener.poll_accept(context) {
            Poll::Ready(accepted) => Some(accepted),
            Poll::Pending => None,
        });
        ready.map_or(Poll::Pending, |accepted| Poll::Ready(accepted.map(|(stream, _)| stream)))
    }
}

/// Takes the address that the configuration names; of a name such as `localhost`, each of its addresses that this machine has, on
/// one port.
pub async fn bind(server: &Server) -> Result<Listener, BindError> {
    let (host, mut port) = (server.host.as_str(), server.port);
    let error = |source| BindError { host: server.host.clone(), port: server.port, is_metrics: false, source };
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut lacking = None;
    for mut address in lookup_host((host, port)).await.map_err(error)? {
        address.set_port(port);
        match TcpListener::bind(address).await {
            Ok(listener) => {
                // Where the system chooses a port, it is that of all addresses.
                port = listener.local_addr().map_err(error)?.port();
                listeners.push(listener);
            }
            // A name may have an address of a family that this machine does not speak.
            Err(e) if e.kind() == io::ErrorKind::AddrNotAvailable || e.kind() == io::ErrorKind::Unsupported => {
                lacking = Some(e);
            }
            // A name that is listed twice for one address.
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && listeners.iter().any(|l| is_at(l, address)) => {}
            Err(e) => return Err(error(e)),
        }
    }
    match lacking {
        Some(source) if listeners.is_empty() => Err(error(source)),
        _ if listeners.is_empty() => Err(error(io::ErrorKind::NotFound.into())),
        _ => Ok(Listener(listeners)),
    }
}

fn is_at(listener: &TcpListener, address: SocketAddr) -> bool {
    listener.local_addr().is_ok_and(|own| own == address)
}
