//! Two threads: one moves events from the queue to the client, one keeps the connection.

mod authorities;
mod backoff;
mod commands;
mod connection;
mod failure;
mod options;
mod sender;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rumqttc::Packet;

use super::error::MqttError;
use super::event::Event;
use super::messages::{Info, Topics};
use super::ways::Ways;
use crate::config::mqtt::Mqtt;
use crate::priority;
use crate::runtime::log_limit::LogLimit;
use crate::runtime::metrics::{Count, Metrics};
use commands::{Commands, Pending, RESULTS_MAX};
use connection::{Keeper, Kept};
use failure::Failure;
use options::{last_will, options};
use sender::Sender;

/// Number of messages that may wait between the two threads.
const HANDED_OVER_MAX: usize = 16;
/// How long an exit may wait for the last message.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);

pub struct Client {
    /// The queue of events; none once the client stops.
    queue: Option<SyncSender<Event>>,
    stopping: Arc<AtomicBool>,
    /// Closes together with the connection.
    closed: Receiver<()>,
    metrics: Arc<Metrics>,
}

impl Client {
    pub fn start(config: &Mqtt, station: &str, metrics: Arc<Metrics>, ways: Ways) -> Result<Self, MqttError> {
        let topics = Topics::below(&config.topic);
        let mut options = options(config, &config.client_id)?;
        // The session is kept, so that messages without an acknowledgement are sent again after a break.
        options.set_clean_session(false).set_last_will(last_will(&topics.state));
        let kept = Kept::new(options.inflight());
        let (client, connection) = rumqttc::Client::new(options, HANDED_OVER_MAX);
        let (queue, events) = sync_channel(config.queue_events_max as usize);
        let (closing, closed) = sync_channel(0);
        let (asked, results) = sync_channel::<Pending>(RESULTS_MAX);
        let Ways { actions, namer } = ways;
        let commands = config.commands.then(|| Commands {
            client: client.clone(),
            topics: topics.clone(),
            actions,
            namer,
            asked,
            refusals: LogLimit::default(),
        });
        let (stopping, connected) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let sender = Sender {
            client,
            topics,
            info: Info::of(station),
            connected: connected.clone(),
            stopping: stopping.clone(),
            metrics: metrics.clone(),
            results,
        };
        let keeper = Keeper {
            connection,
            config: config.clone(),
            stopping: stopping.clone(),
            connected,
            metrics: metrics.clone(),
            kept,
            commands,
        };
        spawn("mqtt-send", move || sender.run(&events))?;
        spawn("mqtt", move || {
            keeper.run();
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

/// Reads the files that the configuration names.
pub fn check(config: &Mqtt) -> Result<(), MqttError> {
    options(config, &config.client_id).map(drop)
}

/// Logs in at the broker and out again, under a name of its own, so that a running station keeps its connection.
pub fn try_out(config: &Mqtt, time_max: Duration) -> Result<(), MqttError> {
    let (client, mut connection) =
        rumqttc::Client::new(options(config, &format!("{}-doctor", config.client_id))?, HANDED_OVER_MAX);
    let failed = |reason: String| MqttError::Connection { broker: config.broker(), reason };
    let end = Instant::now() + time_max;
    loop {
        match connection.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Ok(rumqttc::Event::Incoming(Packet::ConnAck(_)))) => break,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(failed(Failure::of(&error, config, None).to_string())),
            Err(_) => return Err(failed(format!("no answer came within {} s", time_max.as_secs()))),
        }
    }
    if client.try_disconnect().is_ok() {
        // Sends the request. What the broker says to that is of no interest.
        let _ = connection.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
