//! What commands act on.

use std::sync::mpsc::SyncSender;

use crate::action::Asked;
use crate::identity::Namer;

/// The ways from the broker to the station.
pub struct Ways {
    /// The station's queue of actions.
    pub actions: SyncSender<Asked>,
    /// Names the next part.
    pub namer: Namer,
}
