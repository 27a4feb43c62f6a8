//! Connections to servers.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects with `TCP_NODELAY` as speech clients do, and with the vendor's key if it is a vendor.
pub(crate) async fn connect(url: String, key: bool) -> Socket {
    let mut request = url.into_client_request().unwrap();
    if key {
        let value = HeaderValue::from_str(&format!("token {}", vendors::KEY)).unwrap();
        request.headers_mut().insert("authorization", value);
    }
    connect_async_with_config(request, None, true).await.unwrap().0
}

/// Opens a session at Sayna, and waits until it is ready.
pub(crate) async fn session(address: SocketAddr, config: &Value) -> Socket {
    let mut socket = connect(format!("ws://{address}/ws"), false).await;
    socket.send(Message::text(config.to_string())).await.unwrap();
    let ready = socket.next().await.unwrap().unwrap();
    assert!(ready.to_text().unwrap().contains("\"ready\""), "{ready}");
    socket
}
