use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};

/// Length of a token: long enough not to be guessed, short enough for a header.
const TOKEN_BYTES: std::ops::RangeInclusive<usize> = 16..=256;

/// `[view]`: the live page, `/metrics` and `/healthz`. If left out, they are served on loopback, and nothing can be
/// changed there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct View {
    pub enabled: bool,
    /// Address and port. Any address but loopback shows pictures to everyone who can reach it.
    pub bind: SocketAddr,
    /// Names under which browsers and monitors reach the page, besides `localhost` and its address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// A client that sends this token may act on the station. Without a token no client may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The certificate that the page is served with over HTTPS, and those of the authorities between it and a known one, in
    /// PEM; needs `key_file`. Without them the page is served over plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The file of the people who may log in, each with a role. It needs `[audit]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<PathBuf>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            enabled: true,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            hosts: Vec::new(),
            token: None,
            certificate_file: None,
            key_file: None,
            accounts: None,
        }
    }
}

/// A text that is never printed.
#[derive(Clone, PartialEq)]
pub struct Secret(String);

/// Refuses any other type of value without showing it: `token = 1234` may be a token without its quotes.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        match Value::deserialize(deserializer)? {
            Value::Text(text) => Ok(Self(text)),
            Value::Other(_) => Err(serde::de::Error::custom("a text in quotes is expected")),
        }
    }
}

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(set)")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(set)")
    }
}

impl View {
    pub(super) fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.certificate_file, &mut self.key_file, &mut self.accounts].into_iter().flatten() {
            resolve(path, folder);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        for host in &self.hosts {
            problems.text("view.hosts", host, 253);
            if host.contains(['/', ':']) {
                problems.say(format!("view.hosts has {host:?} where a name without scheme and port is expected"));
            }
        }
        for (name, path) in [
            ("view.certificate_file", &self.certificate_file),
            ("view.key_file", &self.key_file),
            ("view.accounts", &self.accounts),
        ] {
            if let Some(path) = path {
                problems.path(name, path);
            }
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            problems.say("view.certificate_file and view.key_file belong together: give both, or neither".into());
        }
        let Some(token) = &self.token else { return };
        if !TOKEN_BYTES.contains(&token.0.len()) || !token.0.bytes().all(|b| b.is_ascii_graphic()) {
            let (from, to) = TOKEN_BYTES.into_inner();
            let found = token.0.len();
            problems.say(format!(
                "view.token has {found} characters where {from} to {to} letters, digits and signs are expected"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The parser's own error would show the value that it could not read.
    #[test]
    fn no_error_shows_a_token() {
        for wrong in ["1234567890123456", "1234567890.123456", "true", "[\"abcdef1234567890\"]", "1979-05-27"] {
            let error = toml::from_str::<View>(&format!("token = {wrong}")).unwrap_err();
            assert!(error.message().contains("text in quotes"), "{error}");
            assert!(!error.message().contains(wrong.trim_matches(['[', ']', '"'])), "{error}");
        }
        let bare = "token = abcdef1234567890";
        let (_, said) = crate::toml_errors::explain(&toml::from_str::<View>(bare).unwrap_err(), bare);
        assert!(!said.contains("abcdef"), "{said}");
        let view: View = toml::from_str("token = \"abcdef1234567890\"").unwrap();
        assert_eq!(view.token.unwrap().reveal(), "abcdef1234567890");
    }
}
