//! The plan of a station: the settings of each of its threads, derived from the configuration in one place.

use crate::config::record::Record;
use crate::config::trigger::{Trigger, TriggerSource};
use crate::config::{Station, ns_from_ms};
use crate::reject::actuator::Options;
use crate::reject::belt::BeltSettings;
use crate::reject::plan::{Delay, RejectPlan};
use crate::runtime::camera::patience;
use crate::runtime::plan::{Announced, Recording, RuntimePlan, Timing};
use crate::runtime::recorder::RecorderOptions;

/// The settings of a station's threads. Times are whole nanoseconds.
#[derive(Clone, Debug)]
pub struct Plan {
    pub reject: RejectPlan,
    pub actuator: Options,
    pub runtime: RuntimePlan,
}

/// Derives the plan of a configuration that was checked.
impl From<&Station> for Plan {
    fn from(station: &Station) -> Self {
        let reject = reject_plan(station);
        let actuator = Options {
            priority: Some(station.actuator.priority),
            lock_memory: station.actuator.lock_memory,
            heartbeat_ns: ns_from_ms(station.actuator.heartbeat_ms),
        };
        let runtime = runtime_plan(station, &reject);
        Self { reject, actuator, runtime }
    }
}

fn reject_plan(station: &Station) -> RejectPlan {
    let Station { reject, trigger, encoder, gpio, .. } = station;
    let counts = reject.delay_counts.zip(reject.decision_lead_counts);
    let time = reject.delay_ms.zip(reject.decision_lead_ms);
    let delay = match (counts, time) {
        (Some((delay, lead)), _) => Delay::Counts { delay: delay.into(), lead: lead.into() },
        (None, time) => {
            let (delay_ns, lead_ns) = time.map_or((0, 0), |(delay, lead)| (ns_from_ms(delay), ns_from_ms(lead)));
            Delay::Time { delay_ns, lead_ns }
        }
    };
    let bounces = trigger.source == TriggerSource::Gpio;
    RejectPlan {
        recipe: station.active_recipe,
        delay,
        pulse_ns: ns_from_ms(reject.pulse_ms),
        gap_ns: ns_from_ms(reject.gap_ms),
        merge: reject.merge,
        age_ns_max: ns_from_ms(reject.age_ms_max),
        late_ns_max: ns_from_ms(reject.late_ms_max),
        debounce_ns: if bounces { ns_from_ms(trigger.debounce_ms) } else { 0 },
        confirm_ns_max: gpio.confirm.as_ref().map(|_| ns_from_ms(reject.confirm_ms_max)),
        belt: encoder.as_ref().map(|encoder| BeltSettings {
            interval_ns_min: 1_000_000_000 / u64::from(encoder.counts_per_s_max),
            stopped_ns: ns_from_ms(encoder.stopped_ms),
            missing_pulses: encoder.missing_pulses,
        }),
        pitch_counts: trigger.pitch_counts.map(u64::from),
    }
}

fn runtime_plan(station: &Station, reject: &RejectPlan) -> RuntimePlan {
    let Station { camera, trigger, record, .. } = station;
    RuntimePlan {
        patience: patience(camera),
        announced: announced(trigger),
        frame_offset_ns: (1e6 * trigger.frame_offset_ms).round() as i64,
        frame_window_ns: ns_from_ms(trigger.frame_window_ms),
        recording: record.as_ref().map(recording),
        timing: Timing {
            deadline_ns: reject.delay.deadline_ns(),
            frame_timeout_ns: ns_from_ms(camera.frame_timeout_ms),
        },
        passage_ns_max: reject.passage_ns_max(),
    }
}

fn announced(trigger: &Trigger) -> Announced {
    match trigger.source {
        TriggerSource::Gpio | TriggerSource::Encoder => Announced::ByEdges,
        TriggerSource::Free => Announced::ByFrames,
        TriggerSource::Frame => Announced::ByEveryFrame,
    }
}

fn recording(record: &Record) -> Recording {
    Recording {
        recorder: RecorderOptions { folder: record.folder.clone(), quota_bytes: record.quota_mb << 20 },
        pass_share: record.pass_share,
        waiting_max: record.queue_frames_max as usize,
    }
}
