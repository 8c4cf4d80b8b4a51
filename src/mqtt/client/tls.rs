//! What TLS needs, from the files that the configuration names.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use super::authorities::Authorities;
use crate::config::mqtt::Mqtt;
use crate::mqtt::error::MqttError;
use crate::pem::{self, Named};

/// TLS 1.2 or 1.3. The broker's certificate has to be for `mqtt.host` and issued by a known authority.
pub fn client_config(config: &Mqtt) -> Result<ClientConfig, MqttError> {
    if ServerName::try_from(config.host.as_str()).is_err() {
        return Err(MqttError::Host(config.host.clone()));
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| MqttError::Tls(error.to_string()))?;
    let builder = match &config.ca_file {
        Some(path) => {
            let authorities = Authorities::read(path, &provider)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(authorities))
        }
        None => builder.with_root_certificates(of_system()?),
    };
    Ok(match identity(config, &provider)? {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
        None => builder.with_no_client_auth(),
    })
}

/// The authorities that the system trusts.
fn of_system() -> Result<RootCertStore, MqttError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(MqttError::NoAuthorities(why));
    }
    Ok(roots)
}

/// The station's own certificate.
fn identity(config: &Mqtt, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, MqttError> {
    let (Some(certificate), Some(key)) = (&config.client_certificate_file, &config.client_key_file) else {
        return Ok(None);
    };
    let certificate = Named { key: "mqtt.client_certificate_file", path: certificate };
    let key = Named { key: "mqtt.client_key_file", path: key };
    Ok(Some(pem::identity(certificate, key, provider)?))
}
