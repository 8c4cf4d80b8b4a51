//! Changes to a running station, which take effect between two parts.

use std::sync::Arc;

use super::announcer::Announcer;
use super::judge::Judge;
use super::plan::{Announced, Timing};
use crate::camera::Opener;
use crate::inspect::Inspector;
use crate::prepare::Preparation;
use crate::regions::NetworkMask;
use crate::reject::plan::RejectRecipe;

/// A change on its way to the inspection. A field that is none leaves its subject as it is.
#[derive(Default)]
pub struct Change {
    /// Another engine that is ready to inspect, and has its regions.
    pub inspector: Option<Box<Inspector>>,
    pub judge: Option<Arc<Judge>>,
    pub regions: Option<Option<NetworkMask>>,
    /// What comes too late from now on.
    pub timing: Option<Timing>,
    /// Set where parts that were announced before must not be judged by what is judged by from now on: the belt is flushed.
    pub flush: Option<Box<Flush>>,
    /// Whether the change comes from reading the configuration again.
    pub is_reload: bool,
    /// Whether the change makes the judgement milder.
    pub loosens: bool,
}

/// What a change is to other threads than the inspection's, while the belt is flushed.
pub struct Flush {
    pub reject: RejectRecipe,
    pub capture: CaptureChange,
}

/// A change on its way to the capture thread.
pub struct CaptureChange {
    /// What finds parts in frames.
    pub(super) announcer: Announcer,
    /// The camera with other settings; none where they stay.
    pub(super) opener: Option<Opener>,
}

impl CaptureChange {
    pub fn new(announced: Announced, preparation: &Preparation, opener: Option<Opener>) -> Self {
        Self { announcer: Announcer::new(announced, preparation), opener }
    }

    /// Whether the camera is opened with other settings.
    pub fn changes_camera(&self) -> bool {
        self.opener.is_some()
    }
}

impl Change {
    /// Other thresholds of the same engine.
    pub fn from_judge(judge: Judge) -> Self {
        Self { judge: Some(Arc::new(judge)), ..Self::default() }
    }

    /// This change merged with a newer one, which prevails.
    pub fn then(self, newer: Self) -> Self {
        // An engine brings its own regions.
        let regions = if newer.inspector.is_some() { newer.regions } else { newer.regions.or(self.regions) };
        Self {
            inspector: newer.inspector.or(self.inspector),
            judge: newer.judge.or(self.judge),
            regions,
            timing: newer.timing.or(self.timing),
            flush: newer.flush.or(self.flush),
            is_reload: self.is_reload || newer.is_reload,
            loosens: self.loosens || newer.loosens,
        }
    }
}
