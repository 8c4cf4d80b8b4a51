//! What a person or another machine may ask of a running station: by the live page, a PLC, or MQTT. Whoever asks has been
//! let in before.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// A request to the station. `may_loosen`: the person has confirmed that parts may pass which did not pass before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Reject above this score, until another threshold is set or configured.
    SetThreshold { reject: f32, may_loosen: bool },
    /// Reload the configuration and the engine, as SIGHUP does.
    Reload { may_loosen: bool },
    /// Hold the output at reject, or release it.
    Hold(bool),
    /// Go to the recipe of this number.
    Recipe(u16),
    /// Acknowledge the faults that wait for a person.
    Acknowledge,
}

/// The result of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Done(String),
    /// Not done: the action may let parts pass, as the text describes, and was not confirmed.
    Unconfirmed(String),
    Refused(String),
    /// Not done: an action before it is still under way.
    Busy(String),
}

/// Why the station takes no action now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// As many wait as may.
    Full,
    /// The station is stopping.
    Stopping,
}

/// Asks the station for an action, without waiting. Returns where its reply comes.
pub fn ask(actions: &SyncSender<Asked>, action: Action) -> Result<Receiver<Reply>, Untaken> {
    let (asked, reply) = Asked::new(action);
    match actions.try_send(asked) {
        Ok(()) => Ok(reply),
        Err(TrySendError::Full(_)) => Err(Untaken::Full),
        Err(TrySendError::Disconnected(_)) => Err(Untaken::Stopping),
    }
}

/// An action, and the channel for its reply.
pub struct Asked {
    pub action: Action,
    reply: SyncSender<Reply>,
}

impl Asked {
    pub fn new(action: Action) -> (Self, Receiver<Reply>) {
        let (reply, replied) = sync_channel(1);
        (Self { action, reply }, replied)
    }

    /// Sends the reply, if the client still waits.
    pub fn reply(self, reply: Reply) {
        drop(self.reply.try_send(reply));
    }
}
