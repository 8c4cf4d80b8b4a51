//! What is changed between two parts, and how a newer change takes the place of one that still waits.

use std::sync::Arc;

use super::judge::Judge;
use crate::inspect::Inspector;
use crate::regions::NetworkMask;

/// A change on its way to the inspection. What is none stays as it is.
#[derive(Default)]
pub struct Change {
    /// Another engine, ready, with its regions.
    pub inspector: Option<Box<Inspector>>,
    pub judge: Option<Arc<Judge>>,
    pub regions: Option<Option<NetworkMask>>,
    /// Whether the configuration was read again for it.
    pub is_reload: bool,
    /// Whether parts are judged more mildly by it.
    pub loosens: bool,
}

impl Change {
    /// Other thresholds of the same engine.
    pub fn from_judge(judge: Judge) -> Self {
        Self { judge: Some(Arc::new(judge)), ..Self::default() }
    }

    /// This change and a newer one at once.
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
