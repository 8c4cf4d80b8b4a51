//! `crosscheck teach` as a process beside the one that asks for it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{self, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::Builder;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::event::{Event, Step};
use super::settings::Settings;

use crate::locked::locked;

/// Longest line of the child: an event has some hundred bytes, and a refusal names some paths.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// How much of what it says on standard error is kept, from the end.
const SAID_BYTES_MAX: usize = 4 << 10;
/// Sentences that are kept, from the end: a lesson has some few.
const SAID_MAX: usize = 32;
/// What the service manager has told this process alone.
const OF_SERVICE: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];
/// How often it is looked whether a child that says no more has ended.
const ENDING: Duration = Duration::from_millis(20);

/// What a child is to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The step; all up to the scores that are not done yet if there is none.
    pub step: Option<Step>,
    pub settings: Settings,
    /// Whether it takes processor time as other programs do.
    pub eager: bool,
    /// The program; this one if there is none.
    pub program: Option<PathBuf>,
}

/// How a child does.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Status {
    /// The last event that says how far it is, or how it ended.
    pub last: Option<Event>,
    /// The sentences of the steps that are done, and what a person should know.
    pub said: Vec<Event>,
    /// Whether the process has ended.
    pub ended: bool,
    /// Why, if it has not said so itself.
    pub failure: Option<String>,
}

/// A running `crosscheck teach`. It ends with the process that has started it, or soon after this is dropped.
pub struct Child {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// None before it was started, and once it has been waited for: its number may be another process's by then.
    process: Mutex<Option<process::Child>>,
    status: Mutex<Status>,
}

impl Child {
    /// Starts the work on the lesson in a folder. It does not wait for anything of it.
    pub fn start(lesson: PathBuf, options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (told, started) = sync_channel(1);
        let watched = shared.clone();
        // The child is told of the end of the thread that starts it, so that thread lives as long as the child.
        Builder::new().name("teach".into()).spawn(move || watched.watch(lesson, options, &told))?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self { shared }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("the thread that starts the process ended")),
        }
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        locked(&self.shared.status).clone()
    }

    /// Asks it to end. It leaves the lesson so that it can go on.
    pub fn cancel(&self) {
        if let Some(process) = &*locked(&self.shared.process)
            && let Err(error) = kill_process(Pid::from_child(process), Signal::TERM)
        {
            log::warn!("the process that learns cannot be ended: {error}");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Its thread waits for it: it may take long, since everybody else comes first.
        self.cancel();
    }
}

impl Shared {
    fn watch(&self, lesson: PathBuf, options: Options, told: &SyncSender<io::Result<()>>) {
        let started = start(lesson, options).and_then(|mut process| {
            let (out, err) = (process.stdout.take(), process.stderr.take());
            let pipes = out.zip(err).ok_or_else(|| io::Error::other("the process has no output"))?;
            *locked(&self.process) = Some(process);
            Ok(pipes)
        });
        let (out, err) = match started {
            Ok(pipes) => pipes,
            Err(error) => return drop(told.try_send(Err(error))),
        };
        drop(told.try_send(Ok(())));
        // Its own words are read beside its events, so that neither pipe is ever full.
        let said = std::thread::scope(|scope| {
            let said = scope.spawn(|| last_words(err));
            self.follow(out);
            said.join().unwrap_or_default()
        });
        self.end(&said);
    }

    /// Takes over what the child tells until it tells no more.
    fn follow(&self, out: ChildStdout) {
        let mut lines = BufReader::new(out);
        let mut line = Vec::new();
        loop {
            line.clear();
            match lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            match serde_json::from_slice(&line) {
                Ok(event) => self.note(event),
                Err(error) => log::warn!("the process that learns has said what is no event: {error}"),
            }
        }
    }

    fn note(&self, event: Event) {
        let mut status = locked(&self.status);
        if matches!(event, Event::Note { .. } | Event::Done { .. }) {
            let more = (status.said.len() + 1).saturating_sub(SAID_MAX);
            status.said.drain(..more);
            status.said.push(event);
        } else {
            status.last = Some(event);
        }
    }

    /// Waits for the end of a child that has closed its output. `said`: on standard error.
    fn end(&self, said: &str) {
        let ended = loop {
            let mut process = locked(&self.process);
            let Some(running) = &mut *process else { unreachable!("only this thread takes it away") };
            match running.try_wait() {
                Ok(None) => {}
                ended => {
                    *process = None;
                    break ended;
                }
            }
            drop(process);
            std::thread::sleep(ENDING);
        };
        let mut status = locked(&self.status);
        status.ended = true;
        let is_told =
            matches!(status.last, Some(Event::Ended { .. } | Event::Refused { .. } | Event::Interrupted { .. }));
        if !is_told {
            let how = match ended {
                Ok(Some(code)) => code.to_string(),
                Ok(None) => String::new(),
                Err(error) => error.to_string(),
            };
            status.failure = Some(format!("the process ended before its work was done ({how}): {said}"));
        }
    }
}

/// The end of what a child says on standard error.
fn last_words(mut err: ChildStderr) -> String {
    let (mut said, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(read) = err.read(&mut piece)
        && read > 0
    {
        said.extend_from_slice(&piece[..read]);
        let more = said.len().saturating_sub(SAID_BYTES_MAX);
        said.drain(..more);
    }
    String::from_utf8_lossy(&said).trim_end().to_string()
}

fn start(lesson: PathBuf, options: Options) -> io::Result<process::Child> {
    let program = options.program.map_or_else(std::env::current_exe, Ok)?;
    let mut command = Command::new(program);
    command.args(["--quiet", "teach", "--events", "--parent"]).arg(process::id().to_string());
    let mut option = |name: &str, value: Option<OsString>| {
        if let Some(value) = value {
            command.arg(name).arg(value);
        }
    };
    option("--step", options.step.map(|step| step.name().into()));
    let Settings { epochs, false_reject_rate, config, how, of } = options.settings;
    option("--epochs", epochs.map(|epochs| epochs.to_string().into()));
    option("--false-reject-rate", false_reject_rate.map(|rate| rate.to_string().into()));
    option("--config", config.map(PathBuf::into_os_string));
    option("--how", (options.step == Some(Step::Revise)).then(|| how.name().into()));
    option("--of", of.map(|of| of.to_string().into()));
    command.args(options.eager.then_some("--eager")).arg("--").arg(lesson);
    for name in OF_SERVICE {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}
