use serde::{Deserialize, Serialize};

use super::check::Problems;

/// `[trigger]`: how a part is announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    pub source: TriggerSource,
    /// An edge within this time after the previous one belongs to the same part; for `gpio`.
    #[serde(default = "debounce_ms")]
    pub debounce_ms: f64,
    /// Encoder counts from one part to the next; for `encoder`, on belts with cleats or nests.
    pub pitch_counts: Option<u32>,
    /// Time from the trigger until the part is in the frame; negative if the frame is captured first.
    #[serde(default)]
    pub frame_offset_ms: f64,
    /// The part is inspected in the frame nearest to that time, if it is within this window; without one it is
    /// rejected.
    #[serde(default = "frame_window_ms")]
    pub frame_window_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerSource {
    /// A photo-eye's edge on `[gpio.trigger]`.
    Gpio,
    /// A part every `pitch_counts` counts of the encoder.
    Encoder,
    /// The part is found in the frame itself.
    Free,
    /// Every frame is a part: the part itself triggers the camera.
    Frame,
}

/// `[encoder]`: the encoder of the belt, on `[gpio.encoder]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// Counts per second at the belt's top speed; a faster belt raises a fault.
    pub counts_per_s_max: u32,
    /// The belt counts as stopped if no count comes for this long while parts are on their way.
    #[serde(default = "stopped_ms")]
    pub stopped_ms: f64,
    /// Whether an interval that is twice as long as those before and after it raises a fault, since a pulse was lost.
    #[serde(default = "missing_pulses")]
    pub missing_pulses: bool,
}

fn debounce_ms() -> f64 {
    2.0
}

fn frame_window_ms() -> f64 {
    50.0
}

fn stopped_ms() -> f64 {
    200.0
}

fn missing_pulses() -> bool {
    true
}

impl Trigger {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("trigger.debounce_ms", self.debounce_ms, 0.0..=1_000.0);
        problems.range("trigger.frame_offset_ms", self.frame_offset_ms, -10_000.0..=10_000.0);
        problems.range("trigger.frame_window_ms", self.frame_window_ms, 1.0..=10_000.0);
        match (self.source, self.pitch_counts) {
            (TriggerSource::Encoder, None) => {
                problems.say(
                    "trigger.source is \"encoder\" without trigger.pitch_counts: give the counts from part to part"
                        .into(),
                );
            }
            (TriggerSource::Encoder, Some(pitch)) => problems.range("trigger.pitch_counts", pitch, 1..=1_000_000),
            (_, Some(_)) => {
                problems.say("trigger.pitch_counts is given, but trigger.source is not \"encoder\": remove it".into())
            }
            (_, None) => {}
        }
    }
}

impl Encoder {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("encoder.counts_per_s_max", self.counts_per_s_max, 1..=100_000);
        problems.range("encoder.stopped_ms", self.stopped_ms, 1.0..=60_000.0);
    }
}
