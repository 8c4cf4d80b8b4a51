use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};

const PORT: u16 = 1883;
const PORT_TLS: u16 = 8883;

/// `[mqtt]`: verdicts for other programs. If left out, none are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    pub host: String,
    /// [`Mqtt::port`] has the default.
    port: Option<u16>,
    #[serde(default = "client_id")]
    pub client_id: String,
    /// Prefix of the topics `<topic>/verdict`, `<topic>/state` and `<topic>/info`.
    #[serde(default = "client_id")]
    pub topic: String,
    /// Whether the connection is encrypted, and the broker's certificate checked.
    #[serde(default)]
    pub tls: bool,
    /// The certificates of the authorities that may have issued the broker's certificate; those of the system if left out.
    pub ca_file: Option<PathBuf>,
    /// The station's own certificate, for brokers that demand one.
    pub client_certificate_file: Option<PathBuf>,
    pub client_key_file: Option<PathBuf>,
    pub username: Option<String>,
    /// A file whose first line is the user, instead of `username`.
    pub username_file: Option<PathBuf>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Whether the station takes commands from the broker: whoever may write below `<topic>/command` may then hold the line,
    /// change the recipe, acknowledge faults and name parts.
    #[serde(default)]
    pub commands: bool,
    /// Number of verdicts that may wait to be sent. Further ones are dropped and counted.
    #[serde(default = "queue_events_max")]
    pub queue_events_max: u32,
}

fn client_id() -> String {
    "crosscheck".into()
}

fn queue_events_max() -> u32 {
    256
}

impl Mqtt {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { PORT_TLS } else { PORT })
    }

    /// Host and port, for messages.
    pub fn broker(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port()),
            false => format!("{}:{}", self.host, self.port()),
        }
    }

    /// Says that a password is sent to another machine for everyone on the way to read. None where it is not.
    pub fn plain_password(&self) -> Option<String> {
        let is_loopback =
            self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        (self.password_file.is_some() && !self.tls && !is_loopback).then(|| {
            format!(
                "mqtt.password_file without mqtt.tls: the password is sent unencrypted to {}, where everyone on the way can read it: set tls = true",
                self.broker()
            )
        })
    }

    /// The files that only this program may read, with their keys.
    pub(super) fn secret_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files =
            [("mqtt.password_file", &self.password_file), ("mqtt.client_key_file", &self.client_key_file)].into_iter();
        files.filter_map(|(key, path)| Some((key, path.as_deref()?)))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.text("mqtt.host", &self.host, 253);
        if self.host.contains(['/', '[']) || self.host.matches(':').count() == 1 {
            problems.say(format!(
                "mqtt.host is {:?} where a name or an address without scheme and port is expected",
                self.host
            ));
        }
        problems.range("mqtt.port", self.port(), 1..=u16::MAX);
        problems.text("mqtt.client_id", &self.client_id, 64);
        problems.text("mqtt.topic", &self.topic, 200);
        if self.topic.contains(['+', '#']) {
            problems.say(format!("mqtt.topic is {:?} where no + or # is expected", self.topic));
        }
        if let Some(name) = &self.username {
            problems.text("mqtt.username", name, 256);
        }
        for (key, path) in self.files() {
            if let Some(path) = path {
                problems.path(key, path);
            }
        }
        self.check_together(problems);
        problems.range("mqtt.queue_events_max", self.queue_events_max, 1..=65_536);
    }

    /// Keys that need or exclude one another.
    fn check_together(&self, problems: &mut Problems) {
        if self.username.is_some() && self.username_file.is_some() {
            problems.say("mqtt.username and mqtt.username_file are given: give one of them".into());
        }
        if self.password_file.is_some() && self.username.is_none() && self.username_file.is_none() {
            problems.say("mqtt.password_file is given without a user: give mqtt.username or mqtt.username_file".into());
        }
        if self.client_certificate_file.is_some() != self.client_key_file.is_some() {
            problems
                .say("mqtt.client_certificate_file and mqtt.client_key_file need each other: give both or none".into());
        }
        let of_tls = [
            ("mqtt.ca_file", &self.ca_file),
            ("mqtt.client_certificate_file", &self.client_certificate_file),
            ("mqtt.client_key_file", &self.client_key_file),
        ];
        for (key, path) in of_tls {
            if path.is_some() && !self.tls {
                problems.say(format!("{key} is given without mqtt.tls = true: set it, or remove the file"));
            }
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        self.port = Some(self.port());
        let files = [
            &mut self.ca_file,
            &mut self.client_certificate_file,
            &mut self.client_key_file,
            &mut self.username_file,
            &mut self.password_file,
        ];
        files.into_iter().flatten().for_each(|path| resolve(path, folder));
    }

    fn files(&self) -> [(&'static str, Option<&Path>); 5] {
        [
            ("mqtt.ca_file", self.ca_file.as_deref()),
            ("mqtt.client_certificate_file", self.client_certificate_file.as_deref()),
            ("mqtt.client_key_file", self.client_key_file.as_deref()),
            ("mqtt.username_file", self.username_file.as_deref()),
            ("mqtt.password_file", self.password_file.as_deref()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mqtt(keys: &str) -> Mqtt {
        toml::from_str(keys).unwrap()
    }

    #[test]
    fn tls_has_a_port_of_its_own() {
        assert_eq!(mqtt("host = \"h\"").port(), 1883);
        assert_eq!(mqtt("host = \"h\"\ntls = true").port(), 8883);
        assert_eq!(mqtt("host = \"::1\"\ntls = true\nport = 9").broker(), "[::1]:9");
    }

    #[test]
    fn only_a_password_that_leaves_the_machine_unencrypted_is_warned_of() {
        let warned = |host: &str, more: &str| mqtt(&format!("host = \"{host}\"\n{more}")).plain_password().is_some();
        let password = "username = \"a\"\npassword_file = \"p\"";
        assert!(warned("broker", password) && warned("192.0.2.1", password));
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(!warned(host, password), "{host}");
        }
        assert!(!warned("broker", "username = \"a\""));
        assert!(!warned("broker", &format!("tls = true\n{password}")));
    }

    #[test]
    fn keys_that_do_not_go_together_are_refused() {
        for (keys, expected) in [
            ("username = \"a\"\nusername_file = \"u\"", "give one of them"),
            ("password_file = \"p\"", "without a user"),
            ("tls = true\nclient_key_file = \"k\"", "give both or none"),
            ("tls = true\nclient_certificate_file = \"c\"", "give both or none"),
            ("ca_file = \"c\"", "mqtt.ca_file is given without mqtt.tls = true"),
            ("tls = true\nca_file = \"\"", "mqtt.ca_file is empty"),
            ("port = 0", "mqtt.port is 0"),
        ] {
            let mut problems = Problems::default();
            mqtt(&format!("host = \"h\"\n{keys}")).check(&mut problems);
            assert!(problems.found().len() == 1 && problems.found()[0].contains(expected), "{:?}", problems.found());
        }
        for (host, is_fit) in
            [("mqtts://broker", false), ("broker:8883", false), ("[::1]", false), ("::1", true), ("broker.plant", true)]
        {
            let mut problems = Problems::default();
            mqtt(&format!("host = \"{host}\"")).check(&mut problems);
            assert_eq!(problems.found().is_empty(), is_fit, "{host}: {:?}", problems.found());
        }
    }
}
