//! TLS by rustls with ring, and whom it trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::Error;

/// Names a PEM file with certificates that are trusted beside the compiled-in ones.
pub(super) const CA_FILE: &str = "SAYNA_CA_FILE";

pub(super) fn config() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = std::env::var_os(CA_FILE).map(PathBuf::from) {
        add(&mut roots, &path).map_err(|reason| Error::Setup { reason: format!("{}: {reason}", path.display()) })?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| Error::Setup { reason: e.to_string() })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())? {
        roots.add(certificate.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        count += 1;
    }
    if count == 0 { Err("has no certificate".to_owned()) } else { Ok(()) }
}
