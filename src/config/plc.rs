use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::Problems;

/// Networks that may be named.
const NETWORKS_MAX: usize = 64;

/// `[plc]`: registers and coils for a control, by Modbus TCP. If left out, none are served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plc {
    /// Address and port. Modbus knows neither a password nor encryption.
    pub bind: SocketAddr,
    /// Who may connect; only this machine if left out.
    pub allow: Vec<Network>,
    /// Whether clients may write: acknowledge, hold at reject, recipe, identity of the next part.
    pub writes: bool,
}

impl Default for Plc {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 1502)),
            allow: vec![Network::of(Ipv4Addr::LOCALHOST.into(), 8), Network::of(Ipv6Addr::LOCALHOST.into(), 128)],
            writes: false,
        }
    }
}

impl Plc {
    /// Whether a client of this address may connect.
    pub fn allows(&self, client: IpAddr) -> bool {
        // A socket of both families sees an IPv4 client under an IPv6 address.
        let client = client.to_canonical();
        self.allow.iter().any(|network| network.0.contains(&client))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("plc.allow: the number of addresses", self.allow.len(), 1..=NETWORKS_MAX);
        let only_here = self.allow.iter().all(|network| network.0.addr().is_loopback());
        if !self.bind.ip().is_loopback() && only_here {
            problems.say(format!(
                "plc.bind is {} where plc.allow has loopback alone, so that nobody could connect: name the address of the PLC in plc.allow",
                self.bind
            ));
        }
    }
}

/// An address, or a network as `ADDRESS/BITS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    fn of(address: IpAddr, bits: u8) -> Self {
        Self(IpNet::new_assert(address, bits))
    }

    fn parse(text: &str) -> Option<Self> {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        // Only a whole address has no bits beyond its network.
        text.parse::<IpNet>().ok().or_else(address).map(Self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is found where an address (\"192.168.0.10\") or a network (\"192.168.0.0/24\") is expected"
            ))
        })
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plc(text: &str) -> Plc {
        toml::from_str(text).unwrap()
    }

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Problems::default();
        plc(text).check(&mut problems);
        problems.found().to_vec()
    }

    #[test]
    fn only_this_machine_may_connect_unless_others_are_named() {
        let own = plc("");
        assert!(own.allows("127.0.0.1".parse().unwrap()) && own.allows("::1".parse().unwrap()));
        assert!(!own.allows("192.168.0.10".parse().unwrap()) && !own.writes);
        let named = plc("allow = [\"192.168.0.10\", \"10.1.0.0/16\", \"fd00::/8\"]");
        for (client, is_allowed) in [
            ("192.168.0.10", true),
            ("::ffff:192.168.0.10", true),
            ("192.168.0.11", false),
            ("10.1.255.3", true),
            ("10.2.0.1", false),
            ("fd12::3", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(named.allows(client.parse().unwrap()), is_allowed, "{client}");
        }
        let written = toml::to_string(&named).unwrap();
        assert_eq!(plc(&written), named);
    }

    #[test]
    fn a_server_that_nobody_can_reach_is_a_problem() {
        assert_eq!(problems(""), [""; 0]);
        assert_eq!(problems("bind = \"0.0.0.0:1502\"\nallow = [\"10.0.0.0/8\"]"), [""; 0]);
        assert!(problems("bind = \"0.0.0.0:1502\"")[0].contains("name the address of the PLC"));
        assert!(problems("allow = []")[0].contains("plc.allow: the number of addresses is 0"));
        let error = toml::from_str::<Plc>("allow = [\"plc.local\"]").unwrap_err().to_string();
        assert!(error.contains("\"plc.local\" is found where an address"), "{error}");
    }
}
