//! What clients write: commands to the station, and the identity of the next part. One for all clients, so that losing one
//! changes nothing.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use log::Level;

use super::map::{IDENTITY_BYTES, Snapshot};
use super::numbers::{CommandResult, Reason};
use crate::action::{self, Action, Asked, By, Reply, Untaken, Way};
use crate::identity::{Identity, Namer};
use crate::runtime::log_limit::LogLimit;

/// What the station has done shows in its faults after this time.
const SHOWS_WITHIN: Duration = Duration::from_secs(1);

/// A command, for which one reply at a time is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Acknowledge,
    Hold,
    Recipe,
}

impl Command {
    const ALL: [Self; 3] = [Self::Acknowledge, Self::Hold, Self::Recipe];
}

/// Tells whether the station has a recipe of this number.
pub type HasRecipe = Box<dyn Fn(u16) -> bool + Send>;

/// What was written, and what became of it.
pub struct Desk {
    actions: SyncSender<Asked>,
    namer: Namer,
    has_recipe: HasRecipe,
    /// The client that has written last.
    from: Option<IpAddr>,
    asked_recipe: u16,
    identity: [u8; IDENTITY_BYTES],
    /// The recipe of the last command that applied one.
    requested: u16,
    /// When the station said that a recipe takes over.
    adopted: Option<Instant>,
    /// The hold that was asked for last, and when.
    hold: (bool, Option<Instant>),
    /// The reply to each command, while it is awaited.
    replies: [Option<Receiver<Reply>>; Command::ALL.len()],
    /// The command that the result is of; none for an identity.
    last: Option<Command>,
    result: CommandResult,
    reason: Reason,
    /// Limits the log: controls may write in each of their cycles.
    said: LogLimit,
}

impl Desk {
    pub fn new(actions: SyncSender<Asked>, namer: Namer, has_recipe: HasRecipe) -> Self {
        Self {
            actions,
            namer,
            has_recipe,
            from: None,
            asked_recipe: 0,
            identity: [0; IDENTITY_BYTES],
            requested: 0,
            adopted: None,
            hold: (false, None),
            replies: [const { None }; Command::ALL.len()],
            last: None,
            result: CommandResult::None,
            reason: Reason::None,
            said: LogLimit::default(),
        }
    }

    /// Takes in the replies that have come, and shows what was written and what became of it.
    pub fn show(&mut self, now: &mut Snapshot) {
        for command in Command::ALL {
            let Some(reply) = &self.replies[command as usize] else { continue };
            let (result, reason) = match reply.try_recv() {
                Err(TryRecvError::Empty) => continue,
                Ok(Reply::Done(_)) => (CommandResult::Done, Reason::None),
                Ok(Reply::Busy(_)) => (CommandResult::Refused, Reason::Busy),
                Ok(Reply::Refused(_) | Reply::Unconfirmed(_)) if (self.has_recipe)(self.requested) => {
                    (CommandResult::Refused, Reason::RecipeRefused)
                }
                Ok(Reply::Refused(_) | Reply::Unconfirmed(_)) => (CommandResult::Refused, Reason::NoRecipe),
                Err(TryRecvError::Disconnected) => (CommandResult::Refused, Reason::Stopping),
            };
            self.replies[command as usize] = None;
            if command == Command::Recipe && result == CommandResult::Done {
                self.adopted = Some(Instant::now());
            }
            if self.last == Some(command) {
                (self.result, self.reason) = (result, reason);
            }
        }
        (now.requested, now.result, now.reason) = (self.requested, self.result, self.reason);
        (now.asked_recipe, now.identity) = (self.asked_recipe, self.identity);
    }

    /// Whether a recipe was asked for that is not in force yet, as far as its fault does not tell.
    pub fn changes_recipe(&self) -> bool {
        self.awaits(Command::Recipe) || is_recent(self.adopted)
    }

    /// Names the client whose commands follow.
    pub fn is_written_from(&mut self, client: IpAddr) {
        self.from = Some(client);
    }

    pub fn acknowledge(&mut self) {
        if !self.awaits(Command::Acknowledge) {
            self.ask(Command::Acknowledge, Action::Acknowledge);
        }
    }

    /// Holds the output at reject, or releases it. `is_held`: whether it is held already, by whomever. Controls that write
    /// the same state in each of their cycles ask for it once, and do not release what somebody else holds.
    pub fn hold(&mut self, hold: bool, is_held: bool) {
        let (before, asked) = self.hold;
        let shows = is_held || is_recent(asked);
        if hold == before && (!hold || shows) {
            return;
        }
        if self.ask(Command::Hold, Action::Hold(hold)) {
            self.hold = (hold, Some(Instant::now()));
        }
    }

    pub fn choose_recipe(&mut self, number: u16) {
        self.asked_recipe = number;
    }

    /// Goes to the recipe that was chosen.
    pub fn apply_recipe(&mut self) {
        match self.awaits(Command::Recipe) {
            true if self.requested == self.asked_recipe => {}
            true => self.refuse(Reason::Busy),
            false => {
                self.requested = self.asked_recipe;
                self.ask(Command::Recipe, Action::Recipe(self.asked_recipe));
            }
        }
    }

    /// Names the next part; all zero takes the name back. The same text again names nothing, so that controls may write it
    /// in each of their cycles.
    pub fn name_next(&mut self, text: [u8; IDENTITY_BYTES]) {
        if self.identity == text {
            return;
        }
        let name = match name(text) {
            Ok(name) => name,
            Err(reason) => return self.refuse(reason),
        };
        if !self.namer.name_next(name) {
            return self.refuse(Reason::TooManyIdentities);
        }
        self.identity = text;
        (self.last, self.result, self.reason) = (None, CommandResult::Done, Reason::None);
    }

    /// Shows that a command was refused. One before it that is under way goes on.
    pub fn refuse(&mut self, reason: Reason) {
        (self.last, self.result, self.reason) = (None, CommandResult::Refused, reason);
    }

    fn awaits(&self, command: Command) -> bool {
        self.replies[command as usize].is_some()
    }

    /// Passes a command to the station; false where it cannot take one.
    fn ask(&mut self, command: Command, action: Action) -> bool {
        let reply = match action::ask(&self.actions, action, By::machine(Way::Plc, self.from)) {
            Ok(reply) => reply,
            Err(untaken) => {
                self.refuse(match untaken {
                    Untaken::Full => Reason::Busy,
                    Untaken::Stopping => Reason::Stopping,
                });
                return false;
            }
        };
        self.said.say(Level::Info, || format!("the PLC asks for {action:?}"));
        self.replies[command as usize] = Some(reply);
        (self.last, self.result, self.reason) = (Some(command), CommandResult::Busy, Reason::None);
        true
    }
}

fn is_recent(moment: Option<Instant>) -> bool {
    moment.is_some_and(|moment| moment.elapsed() < SHOWS_WITHIN)
}

/// The name in a text that zeros fill up; none where there is nothing else.
fn name(text: [u8; IDENTITY_BYTES]) -> Result<Option<Identity>, Reason> {
    let length = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if length == 0 {
        return Ok(None);
    }
    let name = str::from_utf8(&text[..length]).ok().and_then(|name| Identity::new(name).ok());
    name.map(Some).ok_or(Reason::WrongIdentity)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::clock;
    use crate::identity::Names;

    struct Bench {
        desk: Desk,
        asked: Receiver<Asked>,
        names: Names,
    }

    fn bench() -> Bench {
        let (actions, asked) = sync_channel(2);
        let mut names = Names::new("2026-11-30T06:21:16Z".parse().unwrap());
        let desk = Desk::new(actions, names.source(), Box::new(|number| number < 5));
        Bench { desk, asked, names }
    }

    impl Bench {
        fn shows(&mut self) -> (CommandResult, Reason) {
            let mut now = Snapshot::default();
            self.desk.show(&mut now);
            (now.result, now.reason)
        }

        fn reply(&mut self, reply: Reply) -> Action {
            let asked = self.asked.try_recv().unwrap();
            let action = asked.action;
            asked.reply(reply);
            action
        }

        fn part(&mut self, number: u64) -> String {
            self.names.take(number, clock::monotonic_ns()).text().into()
        }

        fn name(&mut self, text: &str) {
            let mut bytes = [0; IDENTITY_BYTES];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            self.desk.name_next(bytes);
        }
    }

    fn done() -> Reply {
        Reply::Done(String::new())
    }

    #[test]
    fn a_command_is_busy_until_the_station_replies() {
        use CommandResult::{Busy, Done, None, Refused};
        let mut bench = bench();
        assert_eq!(bench.shows(), (None, Reason::None));
        bench.desk.choose_recipe(3);
        bench.desk.apply_recipe();
        bench.desk.apply_recipe();
        assert_eq!((bench.shows(), bench.desk.changes_recipe()), ((Busy, Reason::None), true));
        assert_eq!(bench.reply(done()), Action::Recipe(3));
        // Until the flush shows as a fault, nobody may take the change for complete.
        assert_eq!((bench.shows(), bench.desk.changes_recipe()), ((Done, Reason::None), true));
        bench.desk.adopted = Instant::now().checked_sub(SHOWS_WITHIN);
        assert!(!bench.desk.changes_recipe());
        assert!(bench.asked.try_recv().is_err(), "the same recipe is asked for once");
        for (number, reply, reason) in [
            (3, Reply::Refused("its engine is gone".into()), Reason::RecipeRefused),
            (9, Reply::Refused("no such recipe".into()), Reason::NoRecipe),
            (3, Reply::Busy("another change".into()), Reason::Busy),
        ] {
            bench.desk.choose_recipe(number);
            bench.desk.apply_recipe();
            bench.reply(reply);
            assert_eq!(bench.shows(), (Refused, reason));
        }
        bench.desk.acknowledge();
        drop(bench.asked.try_recv());
        assert_eq!(bench.shows(), (Refused, Reason::Stopping));
    }

    // Whatever a recipe takes, the output can be held.
    #[test]
    fn commands_do_not_wait_for_one_another() {
        let mut bench = bench();
        bench.desk.choose_recipe(1);
        bench.desk.apply_recipe();
        let recipe = bench.asked.try_recv().unwrap();
        bench.desk.hold(true, false);
        assert_eq!(bench.reply(done()), Action::Hold(true));
        assert_eq!((bench.shows().0, bench.desk.changes_recipe()), (CommandResult::Done, true));
        bench.desk.choose_recipe(2);
        bench.desk.apply_recipe();
        assert_eq!(bench.shows(), (CommandResult::Refused, Reason::Busy));
        recipe.reply(done());
        // The result stays that of the last command.
        assert_eq!((bench.shows().0, bench.desk.awaits(Command::Recipe)), (CommandResult::Refused, false));
    }

    #[test]
    fn a_station_that_takes_no_request_refuses() {
        let mut bench = bench();
        bench.desk.acknowledge();
        bench.desk.acknowledge();
        bench.desk.apply_recipe();
        bench.desk.hold(true, false);
        assert_eq!(bench.shows(), (CommandResult::Refused, Reason::Busy));
        assert_eq!((bench.reply(done()), bench.reply(done())), (Action::Acknowledge, Action::Recipe(0)));
        // It was not asked for, so that the next cycle asks again.
        bench.desk.hold(true, false);
        assert_eq!(bench.reply(done()), Action::Hold(true));
        drop(bench.asked);
        bench.desk.hold(false, true);
        let mut now = Snapshot::default();
        bench.desk.show(&mut now);
        assert_eq!(now.reason, Reason::Stopping);
    }

    #[test]
    fn the_same_hold_is_asked_for_once() {
        let mut bench = bench();
        // A control that writes 0 in each cycle does not release what a person holds.
        bench.desk.hold(false, true);
        assert!(bench.asked.try_recv().is_err());
        bench.desk.hold(true, false);
        bench.desk.hold(true, false);
        bench.desk.hold(true, true);
        assert_eq!(bench.reply(done()), Action::Hold(true));
        assert!(bench.asked.try_recv().is_err());
        // Somebody else has released it.
        bench.desk.hold.1 = Instant::now().checked_sub(SHOWS_WITHIN);
        bench.desk.hold(true, false);
        assert_eq!(bench.reply(done()), Action::Hold(true));
        bench.desk.hold(false, true);
        // While the belt is flushed for the release, a hold counts.
        bench.desk.hold(true, true);
        assert_eq!((bench.reply(done()), bench.reply(done())), (Action::Hold(false), Action::Hold(true)));
    }

    #[test]
    fn an_identity_names_one_part() {
        let mut bench = bench();
        bench.name("SN-0042");
        bench.name("SN-0042");
        assert_eq!(bench.shows(), (CommandResult::Done, Reason::None));
        assert_eq!(bench.part(1), "SN-0042");
        bench.name("SN-0042");
        assert_eq!(bench.part(2), "20261130T062116Z-000002", "a cycle that writes it again names nothing");
        bench.name("");
        bench.name("SN-0042");
        bench.name("0123456789ABCDEF");
        assert_eq!(bench.part(3), "0123456789ABCDEF");
        bench.name("X");
        bench.name("");
        assert_eq!(bench.part(4), "20261130T062116Z-000004");
        bench.name("A\0B");
        assert_eq!(bench.shows(), (CommandResult::Refused, Reason::WrongIdentity));
        for number in 0..17 {
            bench.name(&number.to_string());
        }
        assert_eq!(bench.shows(), (CommandResult::Refused, Reason::TooManyIdentities));
        assert_eq!(bench.part(5), "15");
    }
}
