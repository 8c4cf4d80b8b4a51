//! The parts of a station that the view reads.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::action::Asked;
use super::picture::Latest;
use crate::runtime::metrics::Metrics;

/// The station as the view sees it.
#[derive(Clone)]
pub struct Station {
    /// Heading of the page.
    pub name: String,
    pub metrics: Arc<Metrics>,
    pub latest: Arc<Latest>,
    /// Queue for actions; a full queue refuses them.
    pub actions: SyncSender<Asked>,
    /// The station is not healthy after this long without a sign of progress.
    pub progress_age_max: Duration,
}
