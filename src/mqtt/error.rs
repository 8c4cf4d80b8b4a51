//! Why events cannot be sent.

use thiserror::Error;

#[derive(Debug, Error)]
pub enum MqttError {
    #[error(
        "[mqtt] is configured, but this program was built without MQTT: build it with --features mqtt, or remove the section"
    )]
    NotBuilt,
    #[error(transparent)]
    File(#[from] crate::pem::Unfit),
    #[error(
        "mqtt.tls without mqtt.ca_file needs certificates of authorities from this system, and there are none{0}: install them (Debian: ca-certificates), or name the broker's authority in mqtt.ca_file"
    )]
    NoAuthorities(String),
    #[error("mqtt.host is {0:?} where a name or an address is expected to which a certificate can be issued")]
    Host(String),
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    #[error("MQTT is not connected to {broker}: {reason}")]
    Connection { broker: String, reason: String },
    #[error("cannot start the MQTT threads: {0}")]
    Thread(std::io::Error),
}
