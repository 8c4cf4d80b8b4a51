//! Who may see and act: the names that the view answers to, and how often a token may be wrong.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::config::view::View;

/// Number of wrong tokens that an address may send within [`WRONG_WITHIN`]; after them even the right one is refused.
const WRONG_MAX: u32 = 10;
const WRONG_WITHIN: Duration = Duration::from_secs(60);
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
    wrong: Mutex<VecDeque<Wrong>>,
}

/// Wrong tokens that an address has sent.
struct Wrong {
    from: IpAddr,
    since: Instant,
    count: u32,
}

impl Guard {
    pub fn new(config: &View) -> Self {
        let token = config.token.as_ref().map(|token| Sha256::digest(token.reveal()).into());
        Self { bind: config.bind, hosts: config.hosts.clone(), token, wrong: Mutex::default() }
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
        // After a panic in here at most a count is wrong.
        let mut wrong = self.wrong.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        wrong.retain(|wrong| wrong.since.elapsed() < WRONG_WITHIN);
        if wrong.iter().any(|wrong| wrong.from == peer && wrong.count >= WRONG_MAX) {
            return Err(Refusal::TooOften);
        }
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        if given.is_some_and(|given| <[u8; 32]>::from(Sha256::digest(given)) == token) {
            return Ok(());
        }
        match wrong.iter_mut().find(|wrong| wrong.from == peer) {
            Some(wrong) => {
                wrong.count += 1;
                if wrong.count == WRONG_MAX {
                    log::warn!("{peer} sent {WRONG_MAX} wrong tokens: its requests are refused for {WRONG_WITHIN:?}");
                }
            }
            None => {
                log::warn!("{peer} sent a wrong token or none to the view");
                if wrong.len() == ADDRESSES_MAX {
                    wrong.pop_front();
                }
                wrong.push_back(Wrong { from: peer, since: Instant::now(), count: 1 });
            }
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
        for _ in 0..WRONG_MAX {
            assert_eq!(guard.admit(peer(1), Some("Bearer 0123456789abcdee")), Err(Refusal::Wrong));
        }
        assert_eq!(guard.admit(peer(1), right), Err(Refusal::TooOften));
        assert_eq!(guard.admit(peer(2), right), Ok(()));
        // However many addresses try, no more than a few are remembered.
        (0..=255).for_each(|last| drop(guard.admit(peer(last), None)));
        assert_eq!(guard.wrong.lock().unwrap().len(), ADDRESSES_MAX);
    }
}
