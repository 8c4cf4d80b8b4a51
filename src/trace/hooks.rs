//! What the station's threads call, so that the trace hears of every part.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::channel::{Receiver, Sender};
use super::message::{Judged, Message, Worst};
use crate::identity::Identity;
use crate::reject::part::Event;
use crate::runtime::Listener;
use crate::runtime::books::{Books, OnUnjudged};
use crate::runtime::inspection::Watcher;
use crate::runtime::part_frame::PartFrame;

/// What a station is given; each has a queue of its own.
pub struct Hooks {
    pub listener: Listener,
    pub watcher: Watcher,
    pub books: Books,
}

impl Hooks {
    pub(super) fn new(receiver: &mut Receiver, failing: Arc<AtomicBool>) -> Self {
        let (mut events, mut verdicts) = (receiver.sender(), receiver.sender());
        let mut unjudged = || {
            let mut sender = receiver.sender();
            Some(Box::new(move |part, why| sender.send(Message::Unjudged { part, why })) as OnUnjudged)
        };
        Self {
            books: Books { unjudged: [unjudged(), unjudged()], failing: vec![failing] },
            listener: Box::new(move |event, identity| follow(&mut events, event, identity)),
            watcher: Box::new(move |part_frame| {
                verdicts.send(judged(part_frame));
            }),
        }
    }
}

fn follow(events: &mut Sender, event: &Event, identity: Option<&Identity>) {
    match *event {
        Event::Triggered { part, at: at_ns, recipe, .. } => {
            let identity = identity.copied().unwrap_or_default();
            events.send(Message::Triggered { part: part.0, at_ns, recipe, identity });
        }
        Event::Settled { part, outcome, at: at_ns, .. } => {
            events.send(Message::Settled { part: part.0, at_ns, outcome });
        }
        Event::LateVerdict { part, .. } => events.send(Message::Late { part: part.0 }),
        Event::Reject { .. } | Event::Fault { .. } => {}
    }
}

fn judged(part_frame: &PartFrame) -> Message {
    let inspection = &part_frame.inspection;
    let outcome = &inspection.outcome;
    let judge = part_frame.judge.as_deref();
    let worst = inspection.defects.worst.first();
    Message::Judged(Judged {
        part: part_frame.part,
        captured_ns: part_frame.captured.captured_ns,
        judged_ns: part_frame.judged_ns,
        verdict: outcome.station_verdict(),
        score: outcome.score(),
        threshold: part_frame.threshold().unwrap_or(f32::NAN),
        review: judge.and_then(|judge| judge.thresholds.review),
        reason: outcome.reason().map(|reason| reason.name()),
        doubtful: inspection.doubt.is_some(),
        defects: u32::try_from(inspection.defects.count).unwrap_or(u32::MAX),
        worst: worst.map(|worst| Worst { kind: worst.kind, at: worst.at, area_mm2: worst.area_mm2 }),
        engine: judge.map_or([0; 32], |judge| bytes(&judge.engine_sha256)),
    })
}

/// The bytes of a hash in hexadecimal digits; zeros where it is none.
fn bytes(hex: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or(0);
    }
    bytes
}
