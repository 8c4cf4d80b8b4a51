//! Commands for the station: what comes below `<topic>/command`.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use rumqttc::{Publish, QoS};

use crate::action::{self, Action, Asked, By, Reply, Untaken, Way};
use crate::identity::{Identity, Namer};
use crate::mqtt::messages::{ResultMessage, Topics};
use crate::runtime::log_limit::LogLimit;

/// Commands whose results may wait to be published.
pub const RESULTS_MAX: usize = 8;
/// Longest payload of a command: an identity has 64 characters.
const PAYLOAD_BYTES_MAX: usize = 128;

/// Takes commands on the thread of the connection. Nothing here waits.
pub struct Commands {
    pub client: rumqttc::Client,
    pub topics: Topics,
    pub actions: SyncSender<Asked>,
    pub namer: Namer,
    /// What was asked, and where its answer comes; to the thread that publishes.
    pub asked: SyncSender<Pending>,
    pub refusals: LogLimit,
}

/// A command whose result is to be published.
pub struct Pending {
    pub command: String,
    reply: Answer,
}

enum Answer {
    Known(Reply),
    Waits(Receiver<Reply>),
}

impl Commands {
    /// Asks the broker for commands, after each connection. They are sent at most once, so that the broker keeps none for
    /// a station that is away: an old one must not act on another part.
    pub fn subscribe(&mut self) {
        if let Err(error) = self.client.try_subscribe(format!("{}/+", self.topics.command), QoS::AtMostOnce) {
            log::warn!("MQTT takes no commands: {error}");
        }
    }

    pub fn take(&mut self, message: &Publish) {
        let Some(command) = message.topic.strip_prefix(&format!("{}/", self.topics.command)) else { return };
        let command: String = command.chars().take(32).collect();
        let reply = match order(&command, message) {
            Ok(Order::Do(action)) => self.ask(action),
            Ok(Order::Name(name)) => Answer::Known(match self.namer.name_next(name) {
                true => Reply::Done("the next part has its identity".into()),
                false => Reply::Busy("too many identities wait for their parts".into()),
            }),
            Err(why) => Answer::Known(Reply::Refused(why)),
        };
        if let Answer::Known(Reply::Refused(why)) = &reply {
            self.refusals.say(log::Level::Warn, || format!("MQTT command {command:?} is refused: {why}"));
        }
        // With many results waiting, a further one is not published: whoever floods the station gets no answers.
        drop(self.asked.try_send(Pending { command, reply }));
    }

    fn ask(&self, action: Action) -> Answer {
        match action::ask(&self.actions, action, By::machine(Way::Mqtt, None)) {
            Ok(reply) => {
                log::info!("MQTT asks for {action:?}");
                Answer::Waits(reply)
            }
            Err(Untaken::Full) => Answer::Known(Reply::Busy("the station has not finished the last action yet".into())),
            Err(Untaken::Stopping) => Answer::Known(Reply::Refused("the station is stopping".into())),
        }
    }
}

/// What a message asks for.
#[derive(Debug, PartialEq)]
enum Order {
    Do(Action),
    Name(Option<Identity>),
}

fn order(command: &str, message: &Publish) -> Result<Order, String> {
    if message.retain {
        return Err("it is retained, so that it may be an old one: publish commands without the retain flag".into());
    }
    if message.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(format!("it has {} bytes where at most {PAYLOAD_BYTES_MAX} are expected", message.payload.len()));
    }
    let text = str::from_utf8(&message.payload).map_err(|_| "it is no text in UTF-8".to_string())?.trim();
    match (command, text) {
        ("acknowledge", _) => Ok(Order::Do(Action::Acknowledge)),
        ("hold", "on") => Ok(Order::Do(Action::Hold(true))),
        ("hold", "off") => Ok(Order::Do(Action::Hold(false))),
        ("hold", _) => Err(format!("{text:?} came where on or off is expected")),
        ("recipe", number) => match number.parse() {
            Ok(number) => Ok(Order::Do(Action::Recipe(number))),
            Err(_) => Err(format!("{number:?} came where the number of a recipe is expected")),
        },
        ("identity", "") => Ok(Order::Name(None)),
        ("identity", name) => {
            Identity::new(name).map(|name| Order::Name(Some(name))).map_err(|error| error.to_string())
        }
        _ => Err("acknowledge, hold, recipe or identity is expected below command/".into()),
    }
}

impl Pending {
    /// The message of its result; none as long as it is not known.
    pub fn result(&self) -> Option<ResultMessage> {
        let of = |result, text: &str| ResultMessage { command: self.command.clone(), result, text: text.into() };
        let message = |reply: &Reply| match reply {
            Reply::Done(text) => of("done", text),
            Reply::Refused(text) | Reply::Unconfirmed(text) => of("refused", text),
            Reply::Busy(text) => of("busy", text),
        };
        match &self.reply {
            Answer::Known(reply) => Some(message(reply)),
            Answer::Waits(reply) => match reply.try_recv() {
                Ok(reply) => Some(message(&reply)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(of("refused", "the station is stopping")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(command: &str, payload: &[u8]) -> Result<Order, String> {
        order(command, &Publish::new("t", QoS::AtMostOnce, payload))
    }

    #[test]
    fn a_command_is_understood_or_refused_with_what_was_expected() {
        assert_eq!(given("recipe", b" 12\n"), Ok(Order::Do(Action::Recipe(12))));
        assert_eq!(given("hold", b"off"), Ok(Order::Do(Action::Hold(false))));
        assert_eq!(given("acknowledge", b""), Ok(Order::Do(Action::Acknowledge)));
        assert_eq!(given("identity", b"SN-7"), Ok(Order::Name(Some(Identity::new("SN-7").unwrap()))));
        assert_eq!(given("identity", b""), Ok(Order::Name(None)));
        for (command, payload, expected) in [
            ("recipe", &b"-1"[..], "the number of a recipe"),
            ("recipe", b"99999", "the number of a recipe"),
            ("hold", b"yes", "on or off"),
            ("identity", b"a\x07b", "printable ASCII"),
            ("identity", &[b'x'; 129], "at most 128"),
            ("hold", b"\xff", "UTF-8"),
            ("threshold", b"3", "acknowledge, hold, recipe or identity"),
        ] {
            let refused = given(command, payload).unwrap_err();
            assert!(refused.contains(expected), "{command}: {refused}");
        }
        let kept = Publish { retain: true, ..Publish::new("t", QoS::AtMostOnce, "on") };
        assert!(order("hold", &kept).unwrap_err().contains("retained"));
    }
}
