//! What a person or another machine may ask of a running station: by the live page, a PLC, or MQTT. Whoever asks has been
//! let in before.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::people::Role;

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
    /// Collect good parts for the lesson of this recipe from now on, or for none.
    Collect(Option<u16>),
}

/// Who asks, as the audit has it.
#[derive(Clone, Debug, PartialEq)]
pub struct By {
    /// The name of an account, or what asks in place of a person.
    pub who: Arc<str>,
    /// Of an account.
    pub role: Option<Role>,
    /// The address that the request came from, where it is known.
    pub from: Option<IpAddr>,
    pub way: Way,
}

/// The way by which something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A request to the live page; `crosscheck recipe` sends one too.
    Page,
    Plc,
    Mqtt,
    Gpio,
    /// SIGHUP or SIGTERM.
    Signal,
    /// The station itself.
    Station,
}

crate::words::words!(Way {
    Page = "page",
    Plc = "plc",
    Mqtt = "mqtt",
    Gpio = "gpio",
    Signal = "signal",
    Station = "station",
});

impl By {
    /// A person who is logged in.
    pub fn person(name: Arc<str>, role: Role, from: IpAddr) -> Self {
        Self { who: name, role: Some(role), from: Some(from), way: Way::Page }
    }

    /// Whoever has the page's token.
    pub fn token(from: IpAddr) -> Self {
        Self { who: "token".into(), role: None, from: Some(from), way: Way::Page }
    }

    /// Another machine, or nobody who can be named: it is called as its way is.
    pub fn machine(way: Way, from: Option<IpAddr>) -> Self {
        Self { who: way.name().into(), role: None, from, way }
    }
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
pub fn ask(actions: &SyncSender<Asked>, action: Action, by: By) -> Result<Receiver<Reply>, Untaken> {
    let (asked, reply) = Asked::new(action, by);
    match actions.try_send(asked) {
        Ok(()) => Ok(reply),
        Err(TrySendError::Full(_)) => Err(Untaken::Full),
        Err(TrySendError::Disconnected(_)) => Err(Untaken::Stopping),
    }
}

/// An action, and the channel for its reply.
pub struct Asked {
    pub action: Action,
    pub by: By,
    reply: SyncSender<Reply>,
}

impl Asked {
    pub fn new(action: Action, by: By) -> (Self, Receiver<Reply>) {
        let (reply, replied) = sync_channel(1);
        (Self { action, by, reply }, replied)
    }

    /// Sends the reply, if the client still waits.
    pub fn reply(self, reply: Reply) {
        drop(self.reply.try_send(reply));
    }
}
