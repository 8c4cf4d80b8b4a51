//! Publishes verdicts to other programs over MQTT 3.1.1 without TLS, by a broker on this machine or network.
//!
//! `<topic>/verdict` gets one JSON object per part, at least once. `<topic>/state` is retained: `running`, `fault` or
//! `stopped`, and `offline` as the last will, which the broker sends when the connection is lost.
//! The inspection puts events into a bounded queue and never waits; events that do not fit are dropped and counted.

#[cfg(feature = "mqtt")]
mod client;
mod error;
mod event;

use std::sync::Arc;

use crate::config::view::Mqtt;
use crate::runtime::metrics::Metrics;
pub use error::MqttError;
pub use event::Event;

/// Whether this program was built with MQTT.
pub const IS_BUILT: bool = cfg!(feature = "mqtt");

/// Sends events until it is dropped.
pub struct Publisher {
    #[cfg(feature = "mqtt")]
    client: client::Client,
    #[cfg(not(feature = "mqtt"))]
    never: std::convert::Infallible,
}

impl Publisher {
    /// Starts the threads that connect and reconnect. A broker that cannot be reached is not an error: events wait or
    /// are dropped.
    #[cfg(feature = "mqtt")]
    pub fn start(config: &Mqtt, metrics: Arc<Metrics>) -> Result<Self, MqttError> {
        Ok(Self { client: client::Client::start(config, metrics)? })
    }

    /// Fails, since this program was built without MQTT.
    #[cfg(not(feature = "mqtt"))]
    pub fn start(_config: &Mqtt, _metrics: Arc<Metrics>) -> Result<Self, MqttError> {
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
