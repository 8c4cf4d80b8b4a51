//! A station's settings, from its configuration.

use super::camera::patience;
use super::recorder;
use crate::camera::supervisor::Patience;
use crate::config::trigger::{Trigger, TriggerSource};
use crate::config::{Station, ns_from_ms, record};

/// How the threads of a station work.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub patience: Patience,
    pub announced: Announced,
    /// From a trigger to the moment at which its part is in the picture, nanoseconds.
    pub frame_offset_ns: i64,
    /// A frame further from that moment does not show the part.
    pub frame_window_ns: u64,
    pub recording: Option<Recording>,
    pub timing: Timing,
    /// How long the output is at reject for one part.
    pub pulse_ns: u64,
    /// A part has passed the ejector by then, nanoseconds after its trigger.
    pub passage_ns_max: u64,
}

/// What is too late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// After its trigger a part's verdict has so long, where that is a time: nanoseconds.
    pub decide_within_ns: Option<u64>,
    /// A camera that was silent for longer is no sign of life.
    pub frame_timeout_ns: u64,
}

/// What announces parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// A photo-eye, or the encoder.
    ByLine,
    /// The part in the frame.
    ByFrames,
    /// Every frame: the part triggers the camera.
    ByEveryFrame,
}

/// What is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub recorder: recorder::Settings,
    /// Share of passed parts that are kept, 0 to 1.
    pub pass_share: f64,
    /// Parts that may wait to be written.
    pub waiting_max: usize,
}

impl Settings {
    pub fn of(station: &Station) -> Self {
        let Station { camera, trigger, record, reject, .. } = station;
        let decide_within_ms = reject.delay_ms.zip(reject.decision_lead_ms).map(|(delay, lead)| delay - lead);
        Self {
            patience: patience(camera),
            announced: announced(trigger),
            frame_offset_ns: (1e6 * trigger.frame_offset_ms).round() as i64,
            frame_window_ns: ns_from_ms(trigger.frame_window_ms),
            recording: record.as_ref().map(recording),
            timing: Timing {
                decide_within_ns: decide_within_ms.map(ns_from_ms),
                frame_timeout_ns: ns_from_ms(camera.frame_timeout_ms),
            },
            pulse_ns: ns_from_ms(reject.pulse_ms),
            passage_ns_max: ns_from_ms(reject.delay_ms.unwrap_or(reject.age_ms_max) + reject.pulse_ms),
        }
    }
}

fn announced(trigger: &Trigger) -> Announced {
    match trigger.source {
        TriggerSource::Gpio | TriggerSource::Encoder => Announced::ByLine,
        TriggerSource::Free => Announced::ByFrames,
        TriggerSource::Frame => Announced::ByEveryFrame,
    }
}

fn recording(record: &record::Record) -> Recording {
    Recording {
        recorder: recorder::Settings { folder: record.folder.clone(), quota_bytes: record.quota_mb << 20 },
        pass_share: record.pass_share,
        waiting_max: record.queue_frames_max as usize,
    }
}
