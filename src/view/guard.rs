//! Who may see and act: the names that the view answers to, and how often a token may be wrong.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::config::view::View;
use crate::people::{Attempts, FAILED_MAX, FAILED_WITHIN, TooOften};

/// Number of addresses that are remembered.
const ADDRESSES_MAX: usize = 64;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    NoToken,
    Wrong,
    TooOften,
}

pub struct Guard {
    bind: SocketAddr,
    hosts: Vec<String>,
    /// The token's hash. Hashes are compared, so that the time of a comparison reveals nothing about the token.
    token: Option<[u8; 32]>,
    /// By the address that has sent wrong ones.
    attempts: Attempts<IpAddr>,
}

impl Guard {
    pub fn new(config: &View) -> Self {
        let token = config.token.as_ref().map(|token| Sha256::digest(token.reveal()).into());
        Self { bind: config.bind, hosts: config.hosts.clone(), token, attempts: Attempts::new(ADDRESSES_MAX) }
    }

    /// Whether a token is configured, with which a person may act.
    pub fn may_act(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a request is meant for this view. A page of another site that has its own name resolved to this address
    /// sends that name. A request without one comes from no browser.
    pub fn answers_to(&self, host: Option<&str>) -> bool {
        let Some(host) = host else { return true };
        let name = without_port(host).trim_end_matches('.');
        if name.eq_ignore_ascii_case("localhost") || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return true;
        }
        let address: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        // Bound to all addresses, the view cannot know its own, so any address is accepted. An attacker needs a name.
        address.is_some_and(|ip| ip == self.bind.ip() || ip.is_loopback() || self.bind.ip().is_unspecified())
    }

    /// Refuses a request whose value of `Authorization` is not the token.
    pub fn admit(&self, peer: IpAddr, authorization: Option<&str>) -> Result<(), Refusal> {
        let token = self.token.ok_or(Refusal::NoToken)?;
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let is_right = || given.filter(|given| <[u8; 32]>::from(Sha256::digest(given)) == token).map(drop);
        match self.attempts.make(peer, Instant::now(), is_right) {
            Ok(Ok(())) => return Ok(()),
            Err(TooOften) => return Err(Refusal::TooOften),
            Ok(Err(1)) => log::warn!("{peer} sent a wrong token or none to the view"),
            Ok(Err(FAILED_MAX)) => {
                log::warn!("{peer} sent {FAILED_MAX} wrong tokens: its requests are refused for {FAILED_WITHIN:?}");
            }
            Ok(Err(_)) => {}
        }
        Err(Refusal::Wrong)
    }
}

/// The name or address in `Host`, with the brackets of an IPv6 address.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(bind: &str, more: &str) -> Guard {
        let config: View = toml::from_str(&format!("bind = \"{bind}\"\n{more}")).unwrap();
        Guard::new(&config)
    }

    // Another site may let its own name resolve to this address (DNS rebinding).
    #[test]
    fn the_view_answers_to_its_own_names_only() {
        let loopback = guard("127.0.0.1:8080", "hosts = [\"camera-3.plant\"]");
        for own in ["localhost", "localhost:9090", "LOCALHOST.", "127.0.0.1:8080", "[::1]:8080", "Camera-3.plant:8080"]
        {
            assert!(loopback.answers_to(Some(own)), "{own}");
        }
        for other in
            ["evil.example", "evil.example:8080", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", ""]
        {
            assert!(!loopback.answers_to(Some(other)), "{other}");
        }
        let plant = guard("10.0.0.7:8080", "");
        assert!(plant.answers_to(Some("10.0.0.7:8080")) && !plant.answers_to(Some("10.0.0.8")));
        let all = guard("0.0.0.0:8080", "");
        assert!(
            all.answers_to(Some("10.0.0.8")) && all.answers_to(Some("[fe80::1]:80")) && !all.answers_to(Some("evil"))
        );
        assert!(all.answers_to(None));
    }

    #[test]
    fn wrong_tokens_are_limited() {
        let guard = guard("127.0.0.1:8080", "token = \"0123456789abcdef\"");
        let peer = |last| IpAddr::from([10, 0, 0, last]);
        let right = Some("Bearer 0123456789abcdef");
        for _ in 0..FAILED_MAX {
            assert_eq!(guard.admit(peer(1), Some("Bearer 0123456789abcdee")), Err(Refusal::Wrong));
        }
        assert_eq!(guard.admit(peer(1), right), Err(Refusal::TooOften));
        assert_eq!(guard.admit(peer(2), right), Ok(()));
        // However many addresses try, no more than a few are remembered.
        (0..=255).for_each(|last| drop(guard.admit(peer(last), None)));
        assert_eq!(guard.attempts.remembered(), ADDRESSES_MAX);
    }
}
