//! The simulated GPIO chip, seen from outside: what a wire would see and do.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CONFIG: &str = "/sys/kernel/config/gpio-sim/line";
const GROUP_WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    Reject,
    Ready,
    Fault,
    Heartbeat,
    Trigger,
    Encoder,
    Confirm,
}

impl Line {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Reject, "reject"),
        (Self::Ready, "ready"),
        (Self::Fault, "fault"),
        (Self::Heartbeat, "heartbeat"),
        (Self::Trigger, "trigger"),
        (Self::Encoder, "encoder"),
        (Self::Confirm, "confirm"),
    ];
}

/// A chip that is there; its files stay open.
pub struct Chip {
    values: Vec<File>,
    pulls: Vec<File>,
}

impl Chip {
    /// Makes the chip where it is not there yet.
    pub fn plug_in() -> Self {
        let config = Path::new(CONFIG);
        for (i, (_, name)) in Line::ALL.iter().enumerate() {
            let line = config.join(format!("bank0/line{i}"));
            if !line.exists() {
                fs::create_dir_all(&line).unwrap();
                fs::write(line.join("name"), name).unwrap();
            }
        }
        if read(&config.join("live")) == "0" {
            fs::write(config.join("bank0/num_lines"), Line::ALL.len().to_string()).unwrap();
            fs::write(config.join("live"), "1").unwrap();
        }
        let (device, chip) = (read(&config.join("dev_name")), read(&config.join("bank0/chip_name")));
        wait_for_group(&Path::new("/dev").join(&chip));
        let folder = PathBuf::from(format!("/sys/devices/platform/{device}/{chip}"));
        let open = |file: &str| {
            let path = |i: usize| folder.join(format!("sim_gpio{i}/{file}"));
            (0..Line::ALL.len())
                .map(|i| File::options().read(true).write(file == "pull").open(path(i)).unwrap())
                .collect()
        };
        Self { values: open("value"), pulls: open("pull") }
    }

    /// Takes the chip away, whoever uses it.
    pub fn pull_out() {
        fs::write(Path::new(CONFIG).join("live"), "0").unwrap();
    }

    /// Drives an input. Nothing happens where the chip is gone.
    pub fn drive(&self, line: Line, high: bool) {
        let pull: &[u8] = if high { b"pull-up" } else { b"pull-down" };
        let _ = self.pulls[line as usize].write_at(pull, 0);
    }

    /// The level of a line; none where the chip is gone.
    pub fn level(&self, line: Line) -> Option<bool> {
        let mut text = [0; 1];
        let count = self.values[line as usize].read_at(&mut text, 0).ok()?;
        (count == 1).then_some(text[0] == b'1')
    }
}

/// The service may open the chip once udev has given it to the service's group. `udevadm settle` is not enough: it may
/// return before udev has heard of the new chip.
fn wait_for_group(device: &Path) {
    let (start, mut seen) = (Instant::now(), None);
    while start.elapsed() < GROUP_WAIT_MAX {
        seen = fs::metadata(device).ok().map(|metadata| (metadata.gid(), metadata.mode() & 0o777));
        if seen.is_some_and(|(group, mode)| group != 0 && mode == 0o660) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{}: group and mode are {seen:?}, not those of the group gpio and 0660", device.display());
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().into()
}
