//! Checks the broker's certificate against authorities of the plant's own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use crate::mqtt::error::MqttError;
use crate::pem::Named;

/// rustls trusts an authority for ever. These are trusted while their own certificates are valid, as elsewhere.
#[derive(Debug)]
pub struct Authorities {
    path: PathBuf,
    /// Never empty.
    authorities: Vec<Authority>,
}

#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// The certificate of the authority that issued the broker's is not valid now.
#[derive(Debug)]
pub struct OutOfDate {
    path: PathBuf,
    why: CertificateError,
}

impl fmt::Display for OutOfDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the certificate of the authority that issued it, in {} (mqtt.ca_file), {}",
            self.path.display(),
            dates(&self.why)
        )
    }
}

impl std::error::Error for OutOfDate {}

/// What is wrong with the dates of a certificate.
pub fn dates(error: &CertificateError) -> String {
    let days = |from: &UnixTime, to: &UnixTime| match to.as_secs().saturating_sub(from.as_secs()) / 86_400 {
        0 => "less than a day".into(),
        days => format!("{days} days"),
    };
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("expired {} ago, by the clock of this machine", days(not_after, time))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("becomes valid in {}, by the clock of this machine", days(time, not_before))
        }
        error => error.to_string(),
    }
}

impl Authorities {
    pub fn read(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, MqttError> {
        let file = Named { key: "mqtt.ca_file", path };
        let authority = |(i, certificate): (usize, CertificateDer<'static>)| {
            let mut roots = RootCertStore::empty();
            let damaged = || file.unfit(format!("certificate {} in it is damaged", i + 1));
            roots.add(certificate.clone()).map_err(|_| damaged())?;
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
            Ok(Authority { certificate, verifier: verifier.map_err(|_| damaged())? })
        };
        let authorities: Result<Vec<_>, MqttError> =
            file.certificates()?.into_iter().enumerate().map(authority).collect();
        Ok(Self { path: path.into(), authorities: authorities? })
    }

    /// Signatures are checked by the algorithms of the provider, whoever issued the certificate.
    fn any(&self) -> &WebPkiServerVerifier {
        &self.authorities[0].verifier
    }
}

impl Authority {
    /// Why the authority's own certificate is not valid now. Its dates are looked at before anything else, so that what else
    /// it is not, namely a certificate for a broker, is not asked.
    fn out_of_date(&self, name: &ServerName<'_>, now: UnixTime) -> Option<CertificateError> {
        match self.verifier.verify_server_cert(&self.certificate, &[], name, &[], now) {
            Err(Error::InvalidCertificate(
                error @ (CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. }),
            )) => Some(error),
            _ => None,
        }
    }
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut refused = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for authority in &self.authorities {
            let found =
                authority.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
            match (found, authority.out_of_date(server_name, now)) {
                (Ok(verified), None) => return Ok(verified),
                (Ok(_), Some(why)) => {
                    let error = OutOfDate { path: self.path.clone(), why };
                    refused = CertificateError::Other(OtherError(Arc::new(error))).into();
                }
                // Authorities that did not issue it have nothing to say of it.
                (Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)), _) => {}
                (Err(error), _) => refused = error,
            }
        }
        Err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any().supported_verify_schemes()
    }
}
