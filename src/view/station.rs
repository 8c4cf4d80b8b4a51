//! The parts of a station that the view reads.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::lessons::Lessons;
use super::picture::Latest;
use crate::action::Asked;
use crate::audit::Scribe;
use crate::people::Staff;
use crate::runtime::metrics::Metrics;
use crate::runtime::recipe::Roster;

/// The station as the view sees it.
pub struct Station {
    /// Heading of the page.
    pub name: String,
    pub metrics: Arc<Metrics>,
    /// The recipes that there are.
    pub recipes: Roster,
    pub latest: Arc<Latest>,
    /// Queue for actions; a full queue refuses them.
    pub actions: SyncSender<Asked>,
    /// Who may log in; none if nobody has an account.
    pub staff: Option<Arc<Staff>>,
    /// What people do at the page besides actions is told to the audit.
    pub scribe: Scribe,
    /// The folder of recorded parts, if the station records any.
    pub recording: Option<PathBuf>,
    /// The file of its trace, if it keeps one.
    pub trace: Option<PathBuf>,
    /// What it is taught by, if it is.
    pub lessons: Option<Lessons>,
    /// The station is not healthy after this long without a sign of progress.
    pub progress_age_max: Duration,
}
