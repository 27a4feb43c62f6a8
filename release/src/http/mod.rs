//! One synchronous HTTP layer for [`crate::forge`] and [`crate::registry`].
//!
//! It decides when a request may be sent again, how long to wait before that, and what of it may be printed; what a
//! status means is decided by those who ask. TLS is rustls with ring and the roots of Mozilla that are compiled in, as an
//! empty image and a bare runner have none; `SAYNA_CA_FILE` names a PEM file with more.
//!
//! ```no_run
//! # use sayna_release::http::{Client, Method, Repeat, Request, Secret};
//! # fn main() -> Result<(), sayna_release::http::Error> {
//! let client = Client::new()?;
//! let token = Secret::new("…");
//! let request = Request::new(Method::GET, "https://example.org/x.json").bearer(&token).repeat(Repeat::Safe);
//! let document: serde_json::Value = client.send(&request)?.json()?;
//! # Ok(())
//! # }
//! ```

mod body;
mod client;
mod error;
mod request;
mod response;
mod tls;
mod wait;

pub use body::ProgressOnce;
pub use client::Client;
pub use error::{Error, Refused};
pub use request::{Body, Repeat, Request, Secret};
pub use reqwest::Method;
pub use response::Response;
pub use wait::{Clock, SystemClock};
