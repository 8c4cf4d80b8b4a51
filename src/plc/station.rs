//! The parts of a station that a control reads and commands.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::desk::HasRecipe;
use super::last_part::Reader;
use crate::action::Asked;
use crate::identity::Namer;
use crate::runtime::metrics::Metrics;

/// What clients read of a station.
pub struct Station {
    pub metrics: Arc<Metrics>,
    pub last: Reader,
    /// Whether rejected parts are to be recorded.
    pub records: bool,
    /// The station is not ready after this long without a sign of progress.
    pub progress_age_max: Duration,
}

/// What clients may ask of a station.
pub struct Commands {
    /// Queue for actions; a full queue refuses them.
    pub actions: SyncSender<Asked>,
    pub namer: Namer,
    pub has_recipe: HasRecipe,
}
