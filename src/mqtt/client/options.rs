//! From the configuration to the client's options.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{LastWill, MqttOptions, QoS, TlsConfiguration, Transport};
use serde_json::json;

use super::tls;
use crate::config::mqtt::Mqtt;
use crate::mqtt::error::MqttError;
use crate::mqtt::messages::{Phase, State};
use crate::pem::Named;

/// Keep-alive period: after one and a half of it without a message the broker considers the station gone.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const SECRET_BYTES_MAX: u64 = 4096;

/// Options of the client called `client_id`. Reads all files.
pub fn options(config: &Mqtt, client_id: &str) -> Result<MqttOptions, MqttError> {
    let mut options = MqttOptions::new(client_id, &config.host, config.port());
    options.set_keep_alive(KEEP_ALIVE);
    if config.tls {
        let tls = TlsConfiguration::Rustls(Arc::new(tls::client_config(config)?));
        options.set_transport(Transport::tls_with_config(tls));
    }
    let username = match &config.username_file {
        Some(path) => Some(first_line("mqtt.username_file", path)?),
        None => config.username.clone(),
    };
    if let Some(username) = username {
        let password = config.password_file.as_deref().map(|path| first_line("mqtt.password_file", path));
        options.set_credentials(username, password.transpose()?.unwrap_or_default());
    }
    Ok(options)
}

/// What the broker sends when the connection breaks.
pub fn last_will(topic: &str) -> LastWill {
    LastWill::new(topic, json!(State::ended(Phase::Offline)).to_string(), QoS::AtLeastOnce, true)
}

fn first_line(key: &'static str, path: &Path) -> Result<String, MqttError> {
    let file = Named { key, path };
    let bytes = file.read(SECRET_BYTES_MAX)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| file.unfit("it is not text in UTF-8"))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err(file.unfit("its first line is empty").into()),
    }
}
