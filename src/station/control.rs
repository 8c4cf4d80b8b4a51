//! The control that commands and reads a station, if one is configured.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::action::Asked;
use crate::config::Station;
use crate::identity::Names;
use crate::plc::{self, LastPart, Plc, PlcError};
use crate::runtime::inspection::Watcher;
use crate::runtime::metrics::Metrics;
use crate::runtime::recipe::Roster;

/// The server, and what tells it of each judged part.
pub type Control = (Option<Plc>, Option<Watcher>);

/// Serves the control. `progress_age_max`: the station is not healthy if it makes no progress for longer.
pub fn serve(
    station: &Station,
    metrics: &Arc<Metrics>,
    (actions, names): (&SyncSender<Asked>, &mut Names),
    roster: Roster,
    progress_age_max: Duration,
) -> Result<Control, PlcError> {
    let Some(config) = &station.plc else { return Ok((None, None)) };
    let (mut publisher, last) = plc::last_part();
    let shown = plc::Station { metrics: metrics.clone(), last, records: station.record.is_some(), progress_age_max };
    let commands = plc::Commands {
        actions: actions.clone(),
        namer: names.source(),
        has_recipe: Box::new(move |number| roster.all().iter().any(|(known, _)| *known == number)),
    };
    let plc = Plc::serve(config, plc::Limits::default(), shown, commands)?;
    let watcher: Watcher = Box::new(move |part_frame| publisher.publish(LastPart::of(part_frame)));
    Ok((Some(plc), Some(watcher)))
}
