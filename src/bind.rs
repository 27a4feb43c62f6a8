//! Taking an address, and what to do where that fails.

use std::io;

use tokio::net::TcpListener;

use crate::config::Server;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {host} port {port}: {source}")]
pub struct BindError {
    /// `server.host`.
    pub host: String,
    /// `server.port`.
    pub port: u16,
    /// What the system said.
    pub source: io::Error,
}

impl BindError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
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

/// Takes the address that the configuration names.
pub async fn bind(server: &Server) -> Result<TcpListener, BindError> {
    let error = |source| BindError { host: server.host.clone(), port: server.port, source };
    TcpListener::bind((server.host.as_str(), server.port)).await.map_err(error)
}
