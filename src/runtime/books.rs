//! Parts that get no verdict, each with its reason: they are counted, and told to what keeps the books of all parts.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::metrics::{Count, Metrics};

/// Why a part gets no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// No frame shows it.
    NoFrame,
    /// Its frame was dropped under load before it was inspected.
    Dropped,
    /// The engine failed on its frame.
    Engine,
    /// It was announced under another recipe than the one in force when its turn came.
    Recipe,
}

// The words are those of the metric's label.
crate::words::words!(Unjudged {
    NoFrame = "no_frame",
    Dropped = "frame_dropped",
    Engine = "engine",
    Recipe = "recipe_change",
});

impl From<Unjudged> for Count {
    fn from(why: Unjudged) -> Self {
        match why {
            Unjudged::NoFrame => Self::UnscoredNoFrame,
            Unjudged::Dropped => Self::UnscoredDropped,
            Unjudged::Engine => Self::UnscoredEngine,
            Unjudged::Recipe => Self::UnscoredRecipe,
        }
    }
}

/// Called with the number of every part that gets no verdict, and why. It must not wait.
pub type OnUnjudged = Box<dyn FnMut(u64, Unjudged) + Send>;

/// What keeps the books of a station's parts outside of its threads.
#[derive(Default)]
pub struct Books {
    /// For the capture thread, and for the inspection thread.
    pub unjudged: [Option<OnUnjudged>; 2],
    /// For each that is kept, whether it cannot be written: the station shows it as the fault `disk_full`.
    pub failing: Vec<Arc<AtomicBool>>,
}

/// Counts the parts of one thread that get no verdict, and tells of them.
pub struct UnjudgedParts<'a> {
    pub metrics: &'a Metrics,
    pub told: Option<OnUnjudged>,
}

impl UnjudgedParts<'_> {
    pub fn note(&mut self, part: u64, why: Unjudged) {
        self.metrics.count(why.into());
        if let Some(told) = &mut self.told {
            told(part, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_count_under_the_same_word() {
        let labels = Unjudged::ALL.map(|why| Count::from(why).series().label.to_string());
        assert_eq!(labels, Unjudged::WORDS.map(|word| format!("reason=\"{word}\"")));
        assert_eq!(Unjudged::ALL.map(Count::from), Count::UNSCORED);
    }
}
