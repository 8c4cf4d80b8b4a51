//! Publishes verdicts to other programs over MQTT 3.1.1, with or without TLS, and takes commands from them where that is
//! configured.
//!
//! `<topic>/verdict` gets one JSON object per part, at least once. `<topic>/state` and `<topic>/info` are retained;
//! `offline` is the state in the last will, which the broker sends when the connection is lost.
//! The inspection puts events into a bounded queue and never waits; events that do not fit are dropped and counted.

#[cfg(feature = "mqtt")]
mod client;
mod error;
mod event;
pub mod messages;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use crate::config::mqtt::Mqtt;
use crate::runtime::metrics::Metrics;
pub use error::MqttError;
pub use event::Event;
pub use ways::Ways;

/// Reads and checks the files that the configuration names.
#[cfg(feature = "mqtt")]
pub fn check_files(config: &Mqtt) -> Result<(), MqttError> {
    client::check(config)
}

/// Checks nothing, since this program was built without MQTT.
#[cfg(not(feature = "mqtt"))]
pub fn check_files(_config: &Mqtt) -> Result<(), MqttError> {
    Ok(())
}

/// Logs in at the broker and out again.
#[cfg(feature = "mqtt")]
pub fn try_out(config: &Mqtt, time_max: Duration) -> Result<(), MqttError> {
    client::try_out(config, time_max)
}

/// Fails, since this program was built without MQTT.
#[cfg(not(feature = "mqtt"))]
pub fn try_out(_config: &Mqtt, _time_max: Duration) -> Result<(), MqttError> {
    Err(MqttError::NotBuilt)
}

/// Sends events until it is dropped.
pub struct Publisher {
    #[cfg(feature = "mqtt")]
    client: client::Client,
    #[cfg(not(feature = "mqtt"))]
    never: std::convert::Infallible,
}

impl Publisher {
    /// Starts the threads that connect and reconnect. A broker that cannot be reached is not an error: events wait or
    /// are dropped. `station`: its name.
    #[cfg(feature = "mqtt")]
    pub fn start(config: &Mqtt, station: &str, metrics: Arc<Metrics>, ways: Ways) -> Result<Self, MqttError> {
        Ok(Self { client: client::Client::start(config, station, metrics, ways)? })
    }

    /// Fails, since this program was built without MQTT.
    #[cfg(not(feature = "mqtt"))]
    pub fn start(_config: &Mqtt, _station: &str, _metrics: Arc<Metrics>, _ways: Ways) -> Result<Self, MqttError> {
        Err(MqttError::NotBuilt)
    }

    /// Queues an event, or drops and counts it. Never waits.
    pub fn verdict(&self, event: Event) {
        #[cfg(feature = "mqtt")]
        self.client.verdict(event);
        #[cfg(not(feature = "mqtt"))]
        match (self.never, event) {}
    }
}
