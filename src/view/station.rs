//! What the view shows.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::action::Asked;
use super::picture::Latest;
use crate::runtime::metrics::Metrics;

/// What the view looks at.
#[derive(Clone)]
pub struct Station {
    /// Heading of the page.
    pub name: String,
    pub metrics: Arc<Metrics>,
    pub latest: Arc<Latest>,
    /// Queue for actions; a full queue refuses them.
    pub actions: SyncSender<Asked>,
    /// Without a sign of progress for this long the station is not healthy.
    pub progress_age_max: Duration,
}
