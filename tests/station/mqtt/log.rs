//! What the tests of this program log, at every level.

use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use log::{LevelFilter, Log, Metadata, Record};

const WAIT_MAX: Duration = Duration::from_secs(30);

struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&LINES).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

/// The lines so far that contain `part`.
pub fn lines_with(part: &str) -> Vec<String> {
    LINES.0.lock().unwrap().iter().filter(|line| line.contains(part)).cloned().collect()
}

/// Waits for a line that contains all of `parts`.
pub fn wait_for(parts: &[&str]) -> String {
    let start = Instant::now();
    while start.elapsed() < WAIT_MAX {
        if let Some(line) = lines_with(parts[0]).into_iter().find(|line| parts.iter().all(|part| line.contains(part))) {
            return line;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no line has {parts:?}: {:#?}", lines_with(parts[0]));
}
