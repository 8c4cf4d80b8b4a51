//! Makes keys and signatures. A secret key is written once, for its owner alone, and never shown.

use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

use super::{SignatureError, id, path_of, small_text};
use crate::files;

/// Whether a secret key's file is of use to whoever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Its rights (0600) alone protect it.
    None,
    /// A password, which is asked for at the terminal.
    Password,
}

/// Makes a key: the secret one at `path`, the public one beside it as `.pub`, both whole or neither, and nothing that
/// is there is replaced. Returns the public key as text.
pub fn new_key(path: &Path, protection: Protection) -> Result<String, SignatureError> {
    let failed = |reason: String| SignatureError::SecretKey { path: path.into(), reason };
    let made = match protection {
        Protection::None => KeyPair::generate_unencrypted_keypair(),
        Protection::Password => KeyPair::generate_encrypted_keypair(None),
    };
    let KeyPair { pk, sk } = made.map_err(|error| failed(error.to_string()))?;
    let text = |made: minisign::Result<String>| made.map_err(|error| failed(error.to_string()));
    let secret = text(sk.to_box(None).map(SecretKeyBox::into_string))?;
    let public = text(pk.to_box().map(|made| made.into_string()))?;
    let mut public_path = path.as_os_str().to_owned();
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    put_new(&public_path, &public, 0o644)?;
    if let Err(error) = put_new(path, &secret, 0o600) {
        // A public key without its secret one is of no use; it was made above.
        let _ = std::fs::remove_file(&public_path);
        return Err(error);
    }
    Ok(pk.to_base64())
}

/// Signs `bytes`, the content of `file`, and writes the signature beside it. Returns the key's number. A password is
/// asked for at the terminal where the key has one.
pub fn sign(file: &Path, bytes: &[u8], key: &Path) -> Result<String, SignatureError> {
    let failed = |reason: String| SignatureError::SecretKey { path: key.into(), reason };
    let secret = secret_key(key).map_err(failed)?;
    let public = PublicKey::from_secret_key(&secret).map_err(|error| failed(error.to_string()))?;
    let signed = minisign::sign(Some(&public), &secret, Cursor::new(bytes), None, None);
    let text = signed.map_err(|error| failed(error.to_string()))?.into_string();
    let path = path_of(file);
    files::write_text(&path, &text).map_err(|error| SignatureError::Write { path, reason: error.to_string() })?;
    Ok(id(public.keynum()))
}

fn secret_key(path: &Path) -> Result<SecretKey, String> {
    warn_of_rights(path);
    let text = small_text(path).map_err(|error| error.to_string())?;
    let boxed = || SecretKeyBox::from_string(&text).map_err(|error| error.to_string());
    boxed()?.into_unencrypted_secret_key().or_else(|plain| match plain.to_string() {
        // Asks at the terminal.
        protected if protected.contains("encrypted") => {
            boxed()?.into_secret_key(None).map_err(|error| error.to_string())
        }
        reason => {
            Err(format!("{reason}; expected the file that `crosscheck sign keygen` made, or minisign with a password"))
        }
    })
}

fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::fs::Permissions::from_mode(mode));
    builder
}

fn warn_of_rights(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        log::warn!(
            "the secret key {path} can be used by others on this machine (mode {:03o}): chmod 600 {path}",
            mode & 0o777
        );
    }
}

/// Writes a new file, whole or not at all, with the rights `mode`.
fn put_new(path: &Path, text: &str, mode: u32) -> Result<(), SignatureError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut temporary = builder(mode).tempfile_in(folder)?;
        temporary.write_all(text.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist_noclobber(path).map_err(|refused| match refused.error.kind() {
            std::io::ErrorKind::AlreadyExists => std::io::Error::other("it is there already: name another"),
            _ => refused.error,
        })?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: std::io::Error| SignatureError::Write { path: path.into(), reason: error.to_string() })
}
