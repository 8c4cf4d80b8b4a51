//! What a person with the token may ask of the station.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What may be asked of the station by who has the token. `may_loosen`: it is confirmed that parts may pass which did not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Reject above this score, until another threshold is set or configured.
    SetThreshold { reject: f32, may_loosen: bool },
    /// Read the configuration and the engine again, as SIGHUP does.
    Reload { may_loosen: bool },
    /// A person has seen to the faults that wait for one.
    Acknowledge,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Done(String),
    /// It would loosen a verdict in the way that the text says.
    Unconfirmed(String),
    Refused(String),
}

/// An action, and who waits for its reply.
pub struct Asked {
    pub action: Action,
    reply: SyncSender<Reply>,
}

impl Asked {
    pub fn new(action: Action) -> (Self, Receiver<Reply>) {
        let (reply, replied) = sync_channel(1);
        (Self { action, reply }, replied)
    }

    /// Says what came of it, to whoever still waits.
    pub fn reply(self, reply: Reply) {
        drop(self.reply.try_send(reply));
    }
}
