//! Two threads: one moves events from the queue to the client, one keeps the connection.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rumqttc::{Connection, LastWill, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

use super::error::MqttError;
use super::event::Event;
use crate::config::view::Mqtt;
use crate::priority;
use crate::runtime::metrics::{Count, Gauge, Metrics};

/// Keep-alive period: after one and a half of it without a message the broker considers the station gone.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Number of messages that may wait between the two threads.
const HANDED_OVER_MAX: usize = 16;
/// How often the state is compared with what was last sent.
const STATE_PERIOD: Duration = Duration::from_millis(500);
const FULL_PAUSE: Duration = Duration::from_millis(20);
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);
/// How long an exit may wait for the last message.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);
const PASSWORD_BYTES_MAX: u64 = 4096;

pub struct Client {
    /// The queue of events; none once the client stops.
    queue: Option<SyncSender<Event>>,
    stopping: Arc<AtomicBool>,
    /// Closes together with the connection.
    closed: Receiver<()>,
    metrics: Arc<Metrics>,
}

impl Client {
    pub fn start(config: &Mqtt, metrics: Arc<Metrics>) -> Result<Self, MqttError> {
        let state_topic = format!("{}/state", config.topic);
        let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
        // The session is kept, so that messages without an acknowledgement are sent again after a break.
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(false);
        options.set_last_will(LastWill::new(&state_topic, r#"{"state":"offline"}"#, QoS::AtLeastOnce, true));
        if let Some(username) = &config.username {
            options.set_credentials(username, read_password(config.password_file.as_deref())?);
        }
        let (client, connection) = rumqttc::Client::new(options, HANDED_OVER_MAX);
        let (queue, events) = sync_channel(config.queue_events_max as usize);
        let (closing, closed) = sync_channel(0);
        let (stopping, connected) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let sender = Sender {
            client,
            verdict_topic: format!("{}/verdict", config.topic),
            state_topic,
            connected: connected.clone(),
            stopping: stopping.clone(),
            metrics: metrics.clone(),
        };
        let (flags, counts) = ((stopping.clone(), connected), metrics.clone());
        spawn("mqtt-send", move || sender.run(&events))?;
        spawn("mqtt", move || {
            keep_connected(connection, &flags.0, &flags.1, &counts);
            drop(closing);
        })?;
        Ok(Self { queue: Some(queue), stopping, closed, metrics })
    }

    pub fn verdict(&self, event: Event) {
        let sent = self.queue.as_ref().is_some_and(|queue| queue.try_send(event).is_ok());
        if !sent {
            self.metrics.count(Count::MqttEventsDropped);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.queue = None;
        self.stopping.store(true, Relaxed);
        // Nothing is ever sent on this channel: the wait ends when the connection closes, or after the longest time.
        let _ = self.closed.recv_timeout(STOP_TIME_MAX);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), MqttError> {
    let run = move || {
        priority::lower();
        work();
    };
    std::thread::Builder::new().name(name.into()).spawn(run).map(drop).map_err(MqttError::Thread)
}

fn read_password(path: Option<&Path>) -> Result<String, MqttError> {
    let Some(path) = path else { return Ok(String::new()) };
    let failed = |reason: String| MqttError::Password { path: path.into(), reason };
    let mut text = String::new();
    let read =
        |text: &mut String| -> io::Result<usize> { File::open(path)?.take(PASSWORD_BYTES_MAX).read_to_string(text) };
    read(&mut text).map_err(|error| failed(error.to_string()))?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.into()),
        _ => Err(failed("its first line is empty".into())),
    }
}

/// The receiving end of the queue.
struct Sender {
    client: rumqttc::Client,
    verdict_topic: String,
    state_topic: String,
    /// Set whenever a connection is made; the state is sent again then.
    connected: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl Sender {
    fn run(self, events: &Receiver<Event>) {
        let mut state_sent = Value::Null;
        loop {
            match events.recv_timeout(STATE_PERIOD) {
                Ok(event) => self.send_verdict(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let state = self.state();
            if self.connected.swap(false, Relaxed) || state != state_sent {
                self.send_state(&state);
                state_sent = state;
            }
        }
        self.send_state(&json!({ "state": "stopped" }));
        if let Err(error) = self.client.try_disconnect() {
            log::debug!("the MQTT connection was not closed properly: {error}");
        }
    }

    fn send_verdict(&self, event: Event) {
        let mut message = json!(event);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        message["time_unix_ms"] = json!(now.as_millis() as u64);
        // Counted as sent once the broker acknowledges it.
        if !self.send(&self.verdict_topic, QoS::AtLeastOnce, false, &message) {
            self.metrics.count(Count::MqttEventsDropped);
        }
    }

    /// Sends the state at most once, since it is sent again after a break, and since every acknowledgement counts as
    /// one of a verdict.
    fn send_state(&self, state: &Value) {
        self.send(&self.state_topic, QoS::AtMostOnce, true, state);
    }

    /// Sends a message. Waits for a broker that is slow or cannot be reached; meanwhile the queue fills, and further
    /// events are dropped. Does not wait while the client stops.
    fn send(&self, topic: &str, qos: QoS, retain: bool, message: &Value) -> bool {
        loop {
            if self.client.try_publish(topic, qos, retain, message.to_string()).is_ok() {
                return true;
            }
            if self.stopping.load(Relaxed) {
                return false;
            }
            std::thread::sleep(FULL_PAUSE);
        }
    }

    fn state(&self) -> Value {
        let faults: Vec<&str> = self.metrics.faults().filter(|(_, _, active)| *active).map(|(name, ..)| name).collect();
        json!({
            "state": if faults.is_empty() { "running" } else { "fault" },
            "faults": faults,
            "engine": self.metrics.engine(),
            "threshold": self.metrics.gauge(Gauge::Threshold),
            "threshold_overridden": self.metrics.gauge(Gauge::ThresholdOverridden) > 0.0,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Keeps the connection, and reconnects after every break, until the client stops.
fn keep_connected(mut connection: Connection, stopping: &AtomicBool, connected: &AtomicBool, metrics: &Metrics) {
    let mut said = false;
    for event in connection.iter() {
        match event {
            Ok(rumqttc::Event::Incoming(Packet::ConnAck(_))) => {
                log::info!("MQTT connected");
                connected.store(true, Relaxed);
                said = false;
            }
            Ok(rumqttc::Event::Incoming(Packet::PubAck(_))) => metrics.count(Count::MqttEventsSent),
            Ok(_) => {}
            Err(_) if stopping.load(Relaxed) => return,
            Err(error) => {
                // Logged once for each break, not for each attempt.
                if !std::mem::replace(&mut said, true) {
                    log::warn!("MQTT is not connected: {error}; events wait or are dropped, and the station continues");
                }
                std::thread::sleep(RECONNECT_PAUSE);
            }
        }
    }
}
