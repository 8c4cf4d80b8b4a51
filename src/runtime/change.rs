//! Changes to a running station, which take effect between two parts.

use std::sync::Arc;

use super::judge::Judge;
use crate::inspect::Inspector;
use crate::regions::NetworkMask;

/// A change on its way to the inspection. A field that is none leaves its subject as it is.
#[derive(Default)]
pub struct Change {
    /// Another engine that is ready to inspect, and has its regions.
    pub inspector: Option<Box<Inspector>>,
    pub judge: Option<Arc<Judge>>,
    pub regions: Option<Option<NetworkMask>>,
    /// Whether the change comes from reading the configuration again.
    pub is_reload: bool,
    /// Whether the change makes the judgement milder.
    pub loosens: bool,
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
            is_reload: self.is_reload || newer.is_reload,
            loosens: self.loosens || newer.loosens,
        }
    }
}
