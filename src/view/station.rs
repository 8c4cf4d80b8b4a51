//! The parts of a station that the view reads.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::picture::Latest;
use crate::action::Asked;
use crate::runtime::metrics::Metrics;
use crate::runtime::recipe::Roster;

/// The station as the view sees it.
#[derive(Clone)]
pub struct Station {
    /// Heading of the page.
    pub name: String,
    pub metrics: Arc<Metrics>,
    /// The recipes that there are.
    pub recipes: Roster,
    pub latest: Arc<Latest>,
    /// Queue for actions; a full queue refuses them.
    pub actions: SyncSender<Asked>,
    /// The station is not healthy after this long without a sign of progress.
    pub progress_age_max: Duration,
}
