//! Listens on the configured address, with hints if that fails.

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
    /// Whether the address is that of `metrics.listen`.
    pub is_metrics: bool,
    /// The error of the system.
    pub source: io::Error,
}

impl BindError {
    /// Returns the next step for the user.
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

/// The listening sockets: one address, or each address of a host name. Owned by the server until its end.
#[derive(Debug)]
pub struct Listener(Vec<TcpListener>);

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(vec![listener])
    }
}

impl Listener {
    /// Returns the addresses in the order of the name's resolution.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.0.iter().map(TcpListener::local_addr).collect()
    }

    /// Waits for the next connection on any of them. Cancel safe.
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

/// Listens on the configured address. For a name such as `localhost`, listens on each of its addresses on this machine, with one
/// port.
pub async fn bind(server: &Server) -> Result<Listener, BindError> {
    let (host, mut port) = (server.host.as_str(), server.port);
    let error = |source| BindError { host: server.host.clone(), port: server.port, is_metrics: false, source };
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut lacking = None;
    for mut address in lookup_host((host, port)).await.map_err(error)? {
        address.set_port(port);
        match TcpListener::bind(address).await {
            Ok(listener) => {
                // With port 0, all addresses share the port that the system has chosen.
                port = listener.local_addr().map_err(error)?.port();
                listeners.push(listener);
            }
            // A name may have an address of a family that this machine does not support.
            Err(e) if e.kind() == io::ErrorKind::AddrNotAvailable || e.kind() == io::ErrorKind::Unsupported => {
                lacking = Some(e);
            }
            // The name resolves to the same address twice.
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
