//! One target, in a process of its own: what ends the process ends this target alone.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::targets::Target;
use crate::{memory, mend, mutate};

/// An input that takes longer hangs. Far above what any takes, on a machine with other work too.
const HANG_S: u64 = 30;
/// What each byte of an input may take, beside what its target may.
const BYTES_PER_BYTE: usize = 64;

/// Of the threads of the program as well, as those of the page.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// What a run came to.
#[derive(Default)]
pub struct Sums {
    pub executions: u64,
    /// Inputs that were read without an error.
    pub read: u64,
    pub peak_bytes: usize,
    pub slowest_ms: u128,
}

/// Runs inputs until the time is over. A failure is printed and ends the process; its input is what lies in `scratch`.
pub fn run(target: &Target, corpus: &Path, scratch: &Path, time: Duration, seed: u64) -> Sums {
    note_panics();
    let (names, seeds): (Vec<PathBuf>, Vec<Vec<u8>>) = seeds(target, corpus, scratch).into_iter().unzip();
    let started = Watch::start();
    let mut sums = Sums::default();
    // As they are, they make threads and tables that stay.
    for (name, bytes) in names.iter().zip(&seeds) {
        execute(target, &input(scratch, name, bytes), bytes.len(), started, &mut sums, false);
    }
    if sums.read == 0 {
        fail(&format!("no input of {} is read as it is: make it anew", corpus.display()));
    }
    let mut random = Rng::with_seed(seed);
    let end = Instant::now() + time;
    while Instant::now() < end {
        let (parent, mut bytes) = mutate::input(&seeds, target.words, &mut random);
        if random.bool() {
            mend::mend(&mut bytes);
        }
        execute(target, &input(scratch, &names[parent], &bytes), bytes.len(), started, &mut sums, true);
    }
    sums
}

/// Keeps what the first panic says, instead of printing it.
fn note_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANIC.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(panic.to_string());
    }));
}

/// Runs one file.
pub fn again(target: &Target, file: &Path, scratch: &Path) -> Sums {
    note_panics();
    let bytes = fs::read(file).unwrap_or_else(|error| fail(&format!("cannot read {}: {error}", file.display())));
    let mut sums = Sums::default();
    let path = input(scratch, file, &bytes);
    execute(target, &path, bytes.len(), Watch::start(), &mut sums, true);
    sums
}

/// The files of the corpus, with their names, and what is made.
fn seeds(target: &Target, corpus: &Path, scratch: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fs::read_dir(corpus).into_iter().flatten();
    let mut paths: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    if let Some(make) = target.made {
        let made = scratch.join("made.bin");
        make(&made);
        paths.push(made);
    }
    paths.into_iter().filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes))).collect()
}

/// Writes an input as a file with the ending of the one that it was made of.
fn input(scratch: &Path, like: &Path, bytes: &[u8]) -> PathBuf {
    let path = scratch.join("input").with_extension(like.extension().unwrap_or_default());
    fs::write(&path, bytes).unwrap_or_else(|error| fail(&format!("cannot write {}: {error}", path.display())));
    // The one that counts where there are several.
    let _ = fs::write(scratch.join("last"), path.as_os_str().as_encoded_bytes());
    path
}

fn execute(target: &Target, path: &Path, bytes: usize, watch: &Watch, sums: &mut Sums, is_bounded: bool) {
    let (start, held) = (Instant::now(), memory::begin());
    watch.begin();
    let read = catch_unwind(AssertUnwindSafe(|| (target.read)(path)));
    watch.end();
    let peak = memory::peak(held);
    if let Some(panic) = PANIC.lock().unwrap_or_else(|e| e.into_inner()).take() {
        fail(&panic);
    }
    let bytes_max = target.bytes_max + BYTES_PER_BYTE * bytes;
    if is_bounded && peak > bytes_max {
        fail(&format!("{peak} bytes are held for an input of {bytes}, where at most {bytes_max} may be"));
    }
    sums.executions += 1;
    sums.read += u64::from(read.unwrap_or(false));
    sums.peak_bytes = sums.peak_bytes.max(if is_bounded { peak } else { 0 });
    sums.slowest_ms = sums.slowest_ms.max(start.elapsed().as_millis());
}

/// Says what is wrong and ends the process.
fn fail(what: &str) -> ! {
    println!("failed {}", what.replace('\n', " "));
    std::process::exit(1);
}

/// Ends a process that hangs.
struct Watch {
    /// Milliseconds from the first call to the beginning of the input that runs; 0 between inputs.
    began: AtomicU64,
    zero: Instant,
}

impl Watch {
    fn start() -> &'static Self {
        let watch: &'static Self = Box::leak(Box::new(Self { began: AtomicU64::new(0), zero: Instant::now() }));
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let began = watch.began.load(Relaxed);
                if began > 0 && watch.now() > began + 1000 * HANG_S {
                    fail(&format!("an input takes more than {HANG_S} s"));
                }
            }
        });
        watch
    }

    fn now(&self) -> u64 {
        self.zero.elapsed().as_millis() as u64 + 1
    }

    fn begin(&self) {
        self.began.store(self.now(), Relaxed);
    }

    fn end(&self) {
        self.began.store(0, Relaxed);
    }
}
