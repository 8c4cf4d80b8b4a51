//! Signatures of files, in minisign's format (Ed25519 over a BLAKE2b hash of the whole file), beside the file that they
//! are of: `engine.safetensors.minisig`. Keys are minisign's too, so that its own tool makes and checks the same.

mod signing;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use minisign::{PublicKey, PublicKeyBox, SignatureBox};
use thiserror::Error;

pub use signing::{Protection, new_key, sign};

/// Far more than a signature or a key has.
const TEXT_BYTES_MAX: u64 = 4096;
/// 64 bytes in Base64.
const GLOBAL_CHARS: usize = 88;

/// Why a signature, or a key, is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum SignatureError {
    /// There is no signature beside the file.
    #[error(
        "the engine {} has no signature: {} is not there, and engine.keys asks for one; sign it with `crosscheck sign`",
        file.display(),
        signature.display()
    )]
    Missing { file: PathBuf, signature: PathBuf },
    /// The signature cannot be read.
    #[error("cannot read the signature {}: {reason}; sign the engine again with `crosscheck sign`", path.display())]
    Malformed { path: PathBuf, reason: String },
    /// The signature is by a key that is not among those given.
    #[error(
        "the engine {} is refused: {} is by key {found}, engine.keys has {expected}; sign it with one of these, or add the key if you trust it",
        file.display(),
        signature.display()
    )]
    OtherKey { file: PathBuf, signature: PathBuf, found: String, expected: String },
    /// The file is not what was signed.
    #[error(
        "the engine {} is refused: it is not what key {key} signed in {} ({reason}); put back the engine that was signed, or sign this one if you trust it",
        file.display(),
        signature.display()
    )]
    Wrong { file: PathBuf, signature: PathBuf, key: String, reason: String },
    /// A public key cannot be read.
    #[error(
        "{text:?} is no public key, and cannot be read as a file of one: {reason}; give what `crosscheck sign keygen` printed, or its .pub file"
    )]
    PublicKey { text: String, reason: String },
    /// A secret key cannot be used.
    #[error("cannot use the secret key {}: {reason}", path.display())]
    SecretKey { path: PathBuf, reason: String },
    /// A signature or key cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write { path: PathBuf, reason: String },
}

/// Where the signature of `file` is.
pub fn path_of(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}

/// Public keys, one of which must have signed.
#[derive(Clone, Debug)]
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// Reads keys, each given in minisign's Base64 or as the path of a file.
    pub fn read(texts: &[String]) -> Result<Self, SignatureError> {
        texts.iter().map(|text| public_key(text)).collect::<Result<_, _>>().map(Self)
    }

    /// The numbers by which minisign tells keys.
    pub fn ids(&self) -> String {
        self.0.iter().map(|key| id(key.keynum())).collect::<Vec<_>>().join(", ")
    }

    /// Refuses `bytes`, the content of `file`, unless the signature beside it is of them and by one of the keys.
    /// Returns the key's number.
    pub fn check(&self, file: &Path, bytes: &[u8]) -> Result<String, SignatureError> {
        let path = path_of(file);
        let Some(signature) = beside(file)? else {
            return Err(SignatureError::Missing { file: file.into(), signature: path });
        };
        let key = id(signature.keynum());
        let named = self.0.iter().filter(|known| known.keynum() == signature.keynum());
        let mut refused = None;
        for known in named {
            match minisign::verify(known, &signature, Cursor::new(bytes), true, false, false) {
                Ok(()) => return Ok(key),
                Err(error) => refused = Some(error.to_string()),
            }
        }
        let (file, signature) = (file.into(), path);
        Err(match refused {
            Some(reason) => SignatureError::Wrong { file, signature, key, reason },
            None => SignatureError::OtherKey { file, signature, found: key, expected: self.ids() },
        })
    }
}

/// Whether `text` is a public key itself, and not the name of a file.
pub fn is_public_key(text: &str) -> bool {
    PublicKey::from_base64(text).is_ok()
}

/// Number of the key that the signature beside `file` says it is by, which is not checked; `None` without a signature.
pub fn claimed(file: &Path) -> Result<Option<String>, SignatureError> {
    Ok(beside(file)?.map(|signature| id(signature.keynum())))
}

fn beside(file: &Path) -> Result<Option<SignatureBox>, SignatureError> {
    let path = path_of(file);
    let failed = |reason: String| SignatureError::Malformed { path: path.clone(), reason };
    let text = match small_text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    // minisign slices a comment's signature without looking at its length.
    if text.lines().nth(3).is_none_or(|line| line.trim().len() != GLOBAL_CHARS) {
        return Err(failed("it does not have the four lines of a signature".into()));
    }
    SignatureBox::from_string(&text).map(Some).map_err(|error| failed(error.to_string()))
}

fn public_key(text: &str) -> Result<PublicKey, SignatureError> {
    if let Ok(key) = PublicKey::from_base64(text) {
        return Ok(key);
    }
    let failed = |reason: String| SignatureError::PublicKey { text: text.into(), reason };
    let file = small_text(text.as_ref()).map_err(|error| failed(error.to_string()))?;
    let found = PublicKeyBox::from_string(&file).and_then(PublicKeyBox::into_public_key);
    found.map_err(|error| failed(error.to_string()))
}

fn small_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    // A pipe would be waited for.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no ordinary file"));
    }
    if File::open(path)?.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)? as u64 > TEXT_BYTES_MAX {
        return Err(std::io::Error::other(format!("it has more than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// A key's number as minisign prints it.
fn id(keynum: &[u8]) -> String {
    keynum.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}
