//! Keeps the connection, and makes it again after every break.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rumqttc::{Connection, Packet, Publish, QoS, Request};

use super::backoff::{Backoff, LONGEST};
use super::commands::Commands;
use super::failure::{Failure, Kind};
use crate::config::mqtt::Mqtt;
use crate::runtime::metrics::{Count, Metrics};

/// A connection that stood this long was a good one: the next pause is the first one again.
const GOOD: Duration = Duration::from_secs(10);
/// How often a pause looks whether the client stops.
const PAUSE_SLICE: Duration = Duration::from_millis(100);

pub struct Keeper {
    pub connection: Connection,
    pub config: Mqtt,
    pub stopping: Arc<AtomicBool>,
    /// Set whenever a connection is made.
    pub connected: Arc<AtomicBool>,
    pub metrics: Arc<Metrics>,
    pub kept: Kept,
    /// None where the station takes no commands from the broker.
    pub commands: Option<Commands>,
}

impl Keeper {
    /// Runs until the client stops.
    pub fn run(mut self) {
        let mut backoff = Backoff::new();
        let mut since: Option<Instant> = None;
        let mut said: Vec<Kind> = Vec::new();
        while let Ok(event) = self.connection.recv() {
            match event {
                Ok(rumqttc::Event::Incoming(Packet::ConnAck(_))) => {
                    let how = if self.config.tls { " over TLS" } else { "" };
                    log::info!("MQTT is connected to {}{how}", self.config.broker());
                    since = Some(Instant::now());
                    said.clear();
                    self.kept.give_back(&mut self.connection.eventloop.pending);
                    self.connected.store(true, Relaxed);
                    self.commands.iter_mut().for_each(Commands::subscribe);
                }
                Ok(rumqttc::Event::Incoming(Packet::Publish(message))) => {
                    self.commands.iter_mut().for_each(|commands| commands.take(&message));
                }
                Ok(rumqttc::Event::Incoming(Packet::PubAck(_))) => self.metrics.count(Count::MqttEventsSent),
                Ok(_) => {}
                Err(_) if self.stopping.load(Relaxed) => return,
                Err(error) => {
                    let stood = since.take().map(|since| since.elapsed());
                    if stood.is_some_and(|stood| stood >= GOOD) {
                        backoff.reset();
                    }
                    self.keep();
                    self.say(&Failure::of(&error, &self.config, stood), &mut said);
                    if !self.pause(backoff.next()) {
                        return;
                    }
                }
            }
        }
    }

    /// Takes what the broker has not acknowledged. The library drops it otherwise, if the broker has forgotten the session.
    fn keep(&mut self) {
        let eventloop = &mut self.connection.eventloop;
        eventloop.pending.extend(eventloop.state.collision.take().map(Request::Publish));
        let dropped = self.kept.take(&mut eventloop.pending);
        self.metrics.add(Count::MqttEventsDropped, dropped);
    }

    /// Says each kind of failure once for each break, not for each attempt.
    fn say(&self, failure: &Failure, said: &mut Vec<Kind>) {
        if said.contains(&failure.kind) {
            return;
        }
        said.push(failure.kind);
        log::warn!(
            "MQTT is not connected to {}: {failure}; events wait or are dropped, the station continues, and it tries again at least every {} s",
            self.config.broker(),
            LONGEST.as_secs()
        );
    }

    /// Returns whether the client still runs afterwards.
    fn pause(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        while !self.stopping.load(Relaxed) {
            match end.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => std::thread::sleep(left.min(PAUSE_SLICE)),
                _ => return true,
            }
        }
        false
    }
}

/// Verdicts that were handed to the library and not acknowledged, oldest first, during a break.
pub struct Kept {
    waiting: VecDeque<Publish>,
    /// As many as may be on their way at once: with more, their numbers collide, and the library loses some.
    most: usize,
}

impl Kept {
    pub fn new(most: u16) -> Self {
        Self { waiting: VecDeque::new(), most: most.into() }
    }

    /// Takes the verdicts among `pending` and drops the rest, which the next connection sends anew. Returns how many verdicts
    /// had to be dropped too.
    fn take(&mut self, pending: &mut VecDeque<Request>) -> u64 {
        for request in pending.drain(..) {
            if let Request::Publish(publish) = request
                && publish.qos == QoS::AtLeastOnce
            {
                // The library numbers it anew.
                self.waiting.push_back(Publish { pkid: 0, ..publish });
            }
        }
        let excess = self.waiting.len().saturating_sub(self.most);
        self.waiting.drain(..excess);
        excess as u64
    }

    /// Puts them before whatever is sent next.
    fn give_back(&mut self, pending: &mut VecDeque<Request>) {
        pending.clear();
        pending.extend(self.waiting.drain(..).map(Request::Publish));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(qos: QoS, pkid: u16, content: u8) -> Request {
        Request::Publish(Publish { pkid, ..Publish::new("topic", qos, [content]) })
    }

    #[test]
    fn unacknowledged_verdicts_are_kept_in_order_and_bounded() {
        let mut kept = Kept::new(3);
        let mut pending = VecDeque::from([
            publish(QoS::AtLeastOnce, 7, 1),
            publish(QoS::AtMostOnce, 0, 2),
            publish(QoS::AtLeastOnce, 0, 3),
        ]);
        assert_eq!((kept.take(&mut pending), pending.len()), (0, 0));
        // A second break before anything was acknowledged.
        kept.give_back(&mut pending);
        pending.extend([4, 5].map(|content| publish(QoS::AtLeastOnce, 0, content)));
        assert_eq!(kept.take(&mut pending), 1);
        kept.give_back(&mut pending);
        let sent: Vec<(u16, u8)> = pending
            .iter()
            .map(|request| match request {
                Request::Publish(publish) => (publish.pkid, publish.payload[0]),
                _ => unreachable!("only verdicts are kept"),
            })
            .collect();
        assert_eq!(sent, [(0, 3), (0, 4), (0, 5)]);
    }
}
