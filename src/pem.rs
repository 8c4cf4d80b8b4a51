//! Certificates and keys for TLS, from the files in PEM that a configuration names. No error shows what is in a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error as ThisError;

/// The certificates of a whole system take a fifth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file of the configuration that cannot be used. `reason` never shows what is in it.
#[derive(Debug, ThisError)]
#[error("{key}: cannot use {}: {reason}", path.display())]
pub struct Unfit {
    key: &'static str,
    path: PathBuf,
    reason: String,
}

/// A file that the configuration names in `key`.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    pub key: &'static str,
    pub path: &'a Path,
}

impl Named<'_> {
    pub fn unfit(self, reason: impl Into<String>) -> Unfit {
        Unfit { key: self.key, path: self.path.into(), reason: reason.into() }
    }

    /// Reads at most `bytes_max`; a file that has more is refused.
    pub fn read(self, bytes_max: u64) -> Result<Vec<u8>, Unfit> {
        let mut bytes = Vec::new();
        let read = |bytes: &mut Vec<u8>| -> io::Result<usize> {
            File::open(self.path)?.take(bytes_max + 1).read_to_end(bytes)
        };
        read(&mut bytes).map_err(|error| self.unfit(error.to_string()))?;
        match bytes.len() as u64 > bytes_max {
            true => Err(self.unfit(format!("it has more than {bytes_max} bytes"))),
            false => Ok(bytes),
        }
    }

    /// One certificate or more.
    pub fn certificates(self) -> Result<Vec<CertificateDer<'static>>, Unfit> {
        let bytes = self.read(FILE_BYTES_MAX)?;
        let found: Result<Vec<_>, Error> = CertificateDer::pem_slice_iter(&bytes).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(self.unfit(
                "it has no certificate in PEM (-----BEGIN CERTIFICATE-----); `openssl x509 -inform der -in FILE -out FILE.pem` makes one of DER",
            )),
            Err(_) => Err(self.unfit("a certificate in it is damaged or cut off; PEM is expected")),
        }
    }

    /// The first private key.
    pub fn private_key(self) -> Result<PrivateKeyDer<'static>, Unfit> {
        let bytes = self.read(FILE_BYTES_MAX)?;
        let is_encrypted = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"]
            .iter()
            .any(|mark| bytes.windows(mark.len()).any(|part| part == mark.as_bytes()));
        if is_encrypted {
            return Err(self.unfit(
                "the key is encrypted, and nobody is there to give the password: `openssl pkey -in FILE -out FILE.pem` decrypts it",
            ));
        }
        match PrivateKeyDer::from_pem_slice(&bytes) {
            Ok(key) => Ok(key),
            Err(Error::NoItemsFound) => Err(self.unfit("it has no private key in PEM (-----BEGIN PRIVATE KEY-----)")),
            Err(_) => Err(self.unfit("the private key in it is damaged or cut off; PEM is expected")),
        }
    }
}

/// A certificate, those of the authorities between it and a known one, and its key.
pub fn identity(certificate: Named<'_>, key: Named<'_>, provider: &CryptoProvider) -> Result<CertifiedKey, Unfit> {
    let chain = certificate.certificates()?;
    match CertifiedKey::from_der(chain, key.private_key()?, provider) {
        Ok(identity) => Ok(identity),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            let first = certificate.path.display();
            Err(key.unfit(format!("it is not the key of the certificate in {first}, the first one there")))
        }
        Err(rustls::Error::InvalidCertificate(error)) => Err(certificate.unfit(error.to_string())),
        Err(_) => Err(key.unfit("an RSA, ECDSA (P-256, P-384) or Ed25519 key is expected")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The error about a file with `content` of either reader.
    fn refused(content: &[u8]) -> [String; 2] {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("file.pem");
        std::fs::write(&path, content).unwrap();
        let named = Named { key: "mqtt.client_key_file", path: &path };
        let errors = [named.certificates().unwrap_err().to_string(), named.private_key().unwrap_err().to_string()];
        assert!(
            errors.iter().all(|error| error.contains("mqtt.client_key_file: cannot use") && error.contains("file.pem"))
        );
        errors
    }

    #[test]
    fn what_is_not_pem_is_refused_and_not_shown() {
        let word = "mortadella";
        for content in [
            word.to_string(),
            format!("-----BEGIN {word}-----"),
            format!("-----BEGIN PRIVATE KEY-----\n{word}!\n-----END PRIVATE KEY-----\n"),
            format!("-----BEGIN CERTIFICATE-----\n{word}"),
            format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{word}\n-----END ENCRYPTED PRIVATE KEY-----\n"),
            format!("-----BEGIN {word}"),
        ] {
            for error in refused(content.as_bytes()) {
                assert!(!error.contains(word) && !error.contains("[109, 111"), "{error}");
            }
        }
        let [certificate, key] = refused(b"");
        assert!(certificate.contains("no certificate in PEM") && key.contains("no private key in PEM"));
        assert!(refused(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")[1].contains("the key is encrypted"));
        assert!(refused(b"-----BEGIN CERTIFICATE-----\nAAAA\n")[0].contains("damaged or cut off"));
        assert!(refused(&vec![b' '; FILE_BYTES_MAX as usize + 1])[0].contains("more than 1048576 bytes"));
    }
}
