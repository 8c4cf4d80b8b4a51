//! Why events cannot be sent.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum MqttError {
    #[error(
        "[mqtt] is configured but this program was built without it: build it with --features mqtt, or leave the section out"
    )]
    NotBuilt,
    #[error("cannot read the MQTT password in {}: {reason}", path.display())]
    Password { path: PathBuf, reason: String },
    #[error("cannot start the MQTT threads: {0}")]
    Thread(std::io::Error),
}
