//! The one table of what a station counts, measures and times. `/metrics`, the live page and
//! `docs/reference/metrics.md` are made from it, so that a new counter needs one row here and the statement that counts
//! it.

use crate::defects::Kind;
use crate::reject::tally::Sum;

/// All values that `/metrics` shows under one name.
pub struct Family {
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    pub help: &'static str,
}

/// One value of a family.
pub struct Series {
    pub family: Family,
    /// The label that distinguishes it within its family, as `name="value"`; empty if it is the only one.
    pub label: &'static str,
    /// Its key in the page's `/state.json`; values with the same key are added. None if the page does not show it.
    pub page: Option<&'static str>,
}

/// Declares an enum with one variant for each row, `ALL` of them in the order of the rows, and the `series` of each.
/// A family is `name "help" { rows }`, a row `Variant {label: "value"} page "key";`, without what does not apply.
macro_rules! table {
    (
        $(#[$about:meta])*
        $list:ident: $kind:literal
        $($name:ident $help:literal {
            $($(#[$more:meta])* $variant:ident $({$label:ident: $value:literal})? $(page $page:literal)?;)+
        })+
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $list {
            $($(#[doc = $help] $(#[$more])* $variant,)+)+
        }

        impl $list {
            pub const ALL: [Self; [$($(stringify!($variant),)+)+].len()] = [$($(Self::$variant,)+)+];

            pub fn series(self) -> Series {
                match self {
                    $($(Self::$variant => Series {
                        family: Family { name: stringify!($name), kind: $kind, help: $help },
                        label: concat!($(stringify!($label), "=\"", $value, "\"")?),
                        page: None$(.or(Some($page)))?,
                    },)+)+
                }
            }
        }
    };
}

table! {
    /// A sum since the start of the station.
    Count: "counter"

    crosscheck_parts_total "Parts that were announced by a trigger." { Parts page "parts"; }
    crosscheck_verdicts_total "Verdicts of inspected parts." {
        Passed {verdict: "pass"} page "pass";
        Reviewed {verdict: "review"} page "review";
        Rejected {verdict: "reject"} page "reject";
    }
    crosscheck_parts_unscored_total "Parts that were rejected without a score, by reason." {
        /// No frame was captured in the window around the trigger.
        UnscoredNoFrame {reason: "no_frame"} page "unscored";
        /// The frame was captured, but dropped under load before it was inspected.
        UnscoredDropped {reason: "frame_dropped"} page "unscored";
        /// The frame could not be scored, or the engine failed on it.
        UnscoredEngine {reason: "engine"} page "unscored";
        /// It was announced under another recipe than the one in force when its turn came.
        UnscoredRecipe {reason: "recipe_change"} page "unscored";
    }
    crosscheck_parts_doubtful_total
    "Parts in whose place another object may have been inspected: it touches the crop's edge, has an unusual size, or was nearly as likely as another." {
        PartsDoubtful;
    }
    crosscheck_defective_parts_total
    "Parts that did not pass, by the kind of their worst defect; parts on which none was found are not counted." {
        DefectiveColour {kind: "colour"};
        DefectiveShape {kind: "shape"};
        DefectiveMismatch {kind: "mismatch"};
        DefectiveMissing {kind: "missing"};
        DefectiveExcess {kind: "excess"};
        DefectiveUnknown {kind: "unknown"};
    }
    crosscheck_late_verdicts_total "Verdicts that came after the decision deadline and had no effect." {
        LateVerdicts page "late";
    }
    crosscheck_reject_pulses_total
    "Pulses at the reject output for parts; the time for which a fault holds it at reject is not counted." {
        RejectPulses page "pulses";
    }
    crosscheck_pulses_merged_total "Rejected parts that shared the pulse of an earlier part." {
        PulsesMerged page "merged";
    }
    crosscheck_parts_caught_total "Accepted parts that passed the ejector while the output was at reject." {
        /// The output was at reject for a neighbour or for a fault.
        PartsCaught page "caught";
    }
    crosscheck_parts_missed_total "Parts that were not accepted, but whose reject came too late." {
        PartsMissed page "missed";
    }
    crosscheck_edges_ignored_total "Trigger edges that were ignored as contact bounce." {
        EdgesIgnored page "bounced";
    }
    crosscheck_confirmations_missed_total "Rejected parts that the confirm input did not see in time." {
        ConfirmationsMissed page "unconfirmed";
    }
    crosscheck_line_events_lost_total "Events of the actuator that no thread took in time." { EventsLost; }
    crosscheck_frames_total "Frames captured from the camera." { FramesCaptured page "frames"; }
    crosscheck_frames_lost_total "Frames lost between the camera's sensor and the program." {
        FramesLost page "lost";
    }
    crosscheck_frames_dropped_total "Frames dropped under load that no part depended on." {
        FramesDropped page "dropped";
    }
    crosscheck_camera_packets_total "Packets of a camera on a network: asked for again because they did not come at once, or missing in the end." {
        PacketsAskedAgain {result: "asked_again"};
        PacketsMissing {result: "missing"};
    }
    crosscheck_camera_reopened_total "Times the camera was reopened." { CameraReopened; }
    crosscheck_camera_reset_total "Times the camera's hardware was reset." { CameraReset; }
    crosscheck_recordings_total "Parts to be recorded, by result." {
        Recorded {result: "written"} page "recorded";
        RecordingsDropped {result: "dropped"};
        RecordingsFailed {result: "failed"};
    }
    crosscheck_mqtt_events_total "MQTT events: acknowledged by the broker, or dropped." {
        MqttEventsSent {result: "sent"};
        MqttEventsDropped {result: "dropped"};
    }
    crosscheck_trace_parts_total "Parts of the trace: written, or lost as a whole or in part." {
        TraceWritten {result: "written"};
        /// A message about it found no room, or its row could not be written.
        TraceLost {result: "lost"};
    }
    crosscheck_audit_entries_total "Entries of the audit: written, or lost." {
        AuditWritten {result: "written"};
        /// It found no room in the queue, or could not be written at the end.
        AuditLost {result: "lost"};
    }
    crosscheck_plc_requests_total "Requests of PLCs: answered, or refused by an exception." {
        PlcAnswered {result: "answered"};
        PlcRefused {result: "refused"};
    }
    crosscheck_plc_connections_total "Connections of PLCs: taken, or closed by the station, by reason." {
        PlcConnected {result: "taken"};
        /// Its address is not in `plc.allow`.
        PlcNotAllowed {result: "not_allowed"};
        /// Another one came while as many as may be were connected.
        PlcDisplaced {result: "displaced"};
        /// As many as may be were connected, and all of them asked for something.
        PlcFull {result: "full"};
        /// It asked for nothing for a minute.
        PlcIdle {result: "idle"};
        /// It sent something else than Modbus TCP, half a request, or did not take an answer.
        PlcBroken {result: "broken"};
    }
    crosscheck_reloads_total "Changes of configuration or engine." {
        Reloads {result: "done"};
        ReloadsRefused {result: "refused"};
    }
    crosscheck_recipe_changes_total "Changes of the recipe." {
        RecipeChanges {result: "done"};
        RecipeChangesRefused {result: "refused"};
    }
    crosscheck_loosened_total
    "Changes of threshold, engine, scene or regions by which a part may pass that did not before." {
        Loosened;
    }
}

table! {
    /// A value that goes up and down.
    Gauge: "gauge"

    crosscheck_threshold "The score above which a part is rejected." { Threshold page "threshold"; }
    crosscheck_review_threshold
    "The score above which a part is reviewed; equal to the threshold where there is no review band." {
        ReviewThreshold page "review_threshold";
    }
    crosscheck_configured_threshold "The threshold of the configuration or the calibration." {
        ConfiguredThreshold page "configured_threshold";
    }
    crosscheck_threshold_overridden
    "1 while a threshold set on the live page is in force instead of the configured one, else 0." {
        ThresholdOverridden page "threshold_overridden";
    }
    crosscheck_promised_false_reject_rate
    "Largest expected share of good parts that are rejected, by the calibration; NaN while another threshold is in force." {
        PromisedRate;
    }
    crosscheck_recipe "The number of the recipe in force; 0 where the station has none." { Recipe page "recipe"; }
    crosscheck_last_score "The score of the last part that had one." { LastScore; }
    crosscheck_frames_per_second "Frames inspected in the last second." {
        FramesPerSecond page "frames_per_second";
    }
    crosscheck_parts_in_flight "Parts between the trigger and the ejector." { PartsInFlight page "parts_in_flight"; }
    crosscheck_plc_clients "PLCs that are connected." { PlcClients; }
    crosscheck_brightness_ratio
    "Brightness of the last 64 parts' frames relative to what is usual for the station; NaN where that is not known." {
        BrightnessRatio;
    }
    crosscheck_sharpness_ratio
    "Sharpness of the last 64 parts' frames relative to what is usual for the station; NaN where that is not known." {
        SharpnessRatio;
    }
    crosscheck_valid_share_ratio
    "Share of pixels with a point in the last 64 parts' frames relative to what is usual for the station; NaN where that is not known." {
        ValidShareRatio;
    }
    crosscheck_median_score
    "The median score of the good parts that the engine was calibrated with; NaN where that is not known." {
        MedianScore;
    }
    crosscheck_scores_above_median_share
    "Share of the last 64 scores above the median of the calibration's good parts: 0.5 is usual; NaN where that is not known." {
        ScoresAboveMedian;
    }
}

table! {
    /// A duration whose distribution is kept.
    Latency: "histogram"

    crosscheck_stage_seconds "Time that one frame spends in a stage." {
        /// From the capture until the inspection takes the frame.
        Queue {stage: "queue"};
        Prepare {stage: "prepare"};
        RgbTokens {stage: "rgb_tokens"};
        XyzGroups {stage: "xyz_groups"};
        AnomalyMap {stage: "anomaly_map"};
    }
    crosscheck_capture_to_verdict_seconds "From a frame's capture to its verdict." {
        CaptureToVerdict page "capture_to_verdict";
    }
    crosscheck_capture_to_edge_seconds "From a frame's capture to the edge at the reject output." {
        CaptureToEdge page "capture_to_edge";
    }
    crosscheck_edge_late_seconds "From the time for which a reject was scheduled to its edge at the output." {
        EdgeLate page "edge_late";
    }
}

// Families whose values do not come from the lists above.

pub const INFO: Family =
    Family { name: "crosscheck_info", kind: "gauge", help: "The program's version and the engine's hash, as labels." };
pub const UPTIME: Family =
    Family { name: "crosscheck_uptime_seconds", kind: "gauge", help: "Time since the station started." };
pub const PROGRESS_AGE: Family = Family {
    name: "crosscheck_progress_age_seconds",
    kind: "gauge",
    help: "Time since the last frame that fed the watchdog.",
};
pub const FAULTS: Family =
    Family { name: "crosscheck_faults_total", kind: "counter", help: "Times a fault was raised, by kind." };
pub const FAULT_ACTIVE: Family =
    Family { name: "crosscheck_fault_active", kind: "gauge", help: "1 while the fault is active, else 0." };
pub const SCORE_RATIO: Family = Family {
    name: "crosscheck_score_ratio",
    kind: "histogram",
    help: "Each score divided by the threshold it was judged by: above 1 is a reject.",
};

impl Count {
    /// Parts that were rejected without a score.
    pub const UNSCORED: [Self; 4] =
        [Self::UnscoredNoFrame, Self::UnscoredDropped, Self::UnscoredEngine, Self::UnscoredRecipe];
}

/// The count that shows each sum of the actuator.
impl From<Sum> for Count {
    fn from(sum: Sum) -> Self {
        match sum {
            Sum::RejectPulses => Self::RejectPulses,
            Sum::PulsesMerged => Self::PulsesMerged,
            Sum::EdgesIgnored => Self::EdgesIgnored,
            Sum::ConfirmationsMissed => Self::ConfirmationsMissed,
            Sum::EventsLost => Self::EventsLost,
        }
    }
}

/// The count of parts whose worst defect is of each kind.
impl From<Kind> for Count {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Colour => Self::DefectiveColour,
            Kind::Shape => Self::DefectiveShape,
            Kind::Mismatch => Self::DefectiveMismatch,
            Kind::Missing => Self::DefectiveMissing,
            Kind::Excess => Self::DefectiveExcess,
            Kind::Unknown => Self::DefectiveUnknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_value_has_a_name_and_label_of_its_own() {
        let series = Count::ALL.map(Count::series).into_iter().chain(Gauge::ALL.map(Gauge::series));
        let series: Vec<Series> = series.chain(Latency::ALL.map(Latency::series)).collect();
        let names: HashSet<_> = series.iter().map(|series| (series.family.name, series.label)).collect();
        assert_eq!(names.len(), series.len());
        for Series { family: Family { name, kind, help }, label, .. } in &series {
            assert!(name.starts_with("crosscheck_") && help.ends_with('.'), "{name}: {help}");
            assert_eq!(name.ends_with("_total"), *kind == "counter", "{name}");
            assert!(label.is_empty() || label.ends_with('"') && label.contains("=\""), "{name}: {label}");
        }
    }

    #[test]
    fn a_kind_is_counted_under_its_word() {
        for kind in Kind::ALL {
            let Series { family, label, .. } = Count::from(kind).series();
            assert_eq!(
                (family.name, label),
                ("crosscheck_defective_parts_total", &*format!("kind=\"{}\"", kind.name()))
            );
        }
    }
}
