//! HTTPS, if a certificate is configured.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::sign::SingleCertAndKey;
use tokio_rustls::TlsAcceptor;

use crate::config::view::View;
use crate::pem::{self, Named, Unfit};

/// What takes TLS 1.2 or 1.3 with the configured certificate; none if none is configured.
pub fn acceptor(config: &View) -> Result<Option<TlsAcceptor>, Unfit> {
    let (Some(certificate), Some(key)) = (&config.certificate_file, &config.key_file) else { return Ok(None) };
    let certificate = Named { key: "view.certificate_file", path: certificate };
    let key = Named { key: "view.key_file", path: key };
    let provider = Arc::new(ring::default_provider());
    let identity = pem::identity(certificate, key, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| certificate.unfit(error.to_string()))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
