//! The receiving end of the queue of events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rumqttc::QoS;
use serde::Serialize;

use super::commands::{Pending, RESULTS_MAX};
use crate::mqtt::event::Event;
use crate::mqtt::messages::{Info, Phase, State, Topics, VerdictMessage};
use crate::runtime::metrics::{Count, Metrics};

/// How often the state is compared with what was last sent.
const STATE_PERIOD: Duration = Duration::from_millis(500);
const FULL_PAUSE: Duration = Duration::from_millis(20);

pub struct Sender {
    pub client: rumqttc::Client,
    pub topics: Topics,
    pub info: Info,
    /// Set whenever a connection is made; what is retained is sent again then.
    pub connected: Arc<AtomicBool>,
    pub stopping: Arc<AtomicBool>,
    pub metrics: Arc<Metrics>,
    /// Commands whose results are to be published.
    pub results: Receiver<Pending>,
}

impl Sender {
    /// Sends until the queue of events closes.
    pub fn run(self, events: &Receiver<Event>) {
        let (mut state_sent, mut pending) = (None, Vec::new());
        loop {
            match events.recv_timeout(STATE_PERIOD) {
                Ok(event) => self.send_verdict(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.send_results(&mut pending);
            let state = State::of(&self.metrics);
            let is_new = self.connected.swap(false, Relaxed);
            if is_new {
                self.send_retained(&self.topics.info, &self.info);
            }
            if is_new || state_sent.as_ref() != Some(&state) {
                self.send_retained(&self.topics.state, &state);
                state_sent = Some(state);
            }
        }
        self.send_retained(&self.topics.state, &State::ended(Phase::Stopped));
        if let Err(error) = self.client.try_disconnect() {
            log::debug!("the MQTT connection was not closed properly: {error}");
        }
    }

    fn send_verdict(&self, event: Event) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let message = VerdictMessage { event, time_unix_ms: now.as_millis() as u64 };
        // Counted as sent once the broker acknowledges it.
        if !self.send(&self.topics.verdict, QoS::AtLeastOnce, false, &message) {
            self.metrics.count(Count::MqttEventsDropped);
        }
    }

    /// Sends the results that are known. As many may be pending as may wait for this.
    fn send_results(&self, pending: &mut Vec<Pending>) {
        pending.extend(self.results.try_iter().take(RESULTS_MAX.saturating_sub(pending.len())));
        pending.retain(|command| match command.result() {
            Some(message) => {
                self.send(&self.topics.result, QoS::AtMostOnce, false, &message);
                false
            }
            None => true,
        });
    }

    /// Sends a message that the broker keeps. It is sent at most once, since it is sent again after a break, and since every
    /// acknowledgement counts as one of a verdict.
    fn send_retained(&self, topic: &str, message: &impl Serialize) {
        self.send(topic, QoS::AtMostOnce, true, message);
    }

    /// Sends a message. Waits for a broker that is slow or cannot be reached; meanwhile the queue fills, and further
    /// events are dropped. Does not wait while the client stops.
    fn send(&self, topic: &str, qos: QoS, retain: bool, message: &impl Serialize) -> bool {
        let Ok(message) = serde_json::to_string(message) else {
            unreachable!("every message is a struct of plain values")
        };
        loop {
            if self.client.try_publish(topic, qos, retain, message.as_bytes()).is_ok() {
                return true;
            }
            if self.stopping.load(Relaxed) {
                return false;
            }
            std::thread::sleep(FULL_PAUSE);
        }
    }
}
