//! Why events cannot be sent.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum MqttError {
    #[error(
        "[mqtt] is configured, but this program was built without MQTT: build it with --features mqtt, or remove the section"
    )]
    NotBuilt,
    #[error("cannot read the MQTT password in {}: {reason}", path.display())]
    Password { path: PathBuf, reason: String },
    #[error("cannot start the MQTT threads: {0}")]
    Thread(std::io::Error),
}
