//! Runs the program in a folder of its own; engines and good parts that tests share are made once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crosscheck::dataset::mvtec3d;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::part;

/// Enough to learn something, in a second.
pub const FIT: &str = "--epochs 8 --pixels 256 --copies 0 --turned never";

/// A folder that the program runs in.
pub struct Desk {
    folder: TempDir,
}

/// What a run came to.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let run = Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }
}

impl Run {
    /// The JSON object that was printed, alone on its line.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.trim_end().lines().count(), 1, "{}", self.out);
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Makes an engine of published sizes, with mappings, in a scene of these lines.
    pub fn import(&self, name: &str, scene: &str) {
        self.write("scene.toml", format!("[scene]\n{scene}"));
        self.done(&format!("import --variant tiny --seeded 7 --scene scene.toml --output {name}"));
    }

    /// With `frame` as rgb.png and xyz.tiff.
    pub fn with(frame: &RgbdFrame) -> Self {
        let desk = Self::new();
        mvtec3d::write(desk.folder.path(), "0", frame, None).unwrap();
        std::fs::rename(desk.path("rgb/0.png"), desk.path("rgb.png")).unwrap();
        std::fs::rename(desk.path("xyz/0.tiff"), desk.path("xyz.tiff")).unwrap();
        std::fs::remove_dir(desk.path("rgb")).unwrap();
        std::fs::remove_dir(desk.path("xyz")).unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Words of `line` are arguments; one that begins with `@` is a shared file.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
        command.current_dir(&self.folder).env_remove("RUST_LOG").stdin(Stdio::null());
        for word in line.split_whitespace() {
            match word.strip_prefix('@') {
                Some(name) => command.arg(shared(name)),
                None => command.arg(word),
            };
        }
        command
    }

    pub fn run(&self, line: &str) -> Run {
        self.command(line).output().unwrap().into()
    }

    /// Runs what must go well.
    pub fn done(&self, line: &str) -> Run {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "{line}\n{}", run.err);
        run
    }

    /// The error of a run that must fail: exit code 2, nothing printed, and no file made or changed.
    pub fn refused(&self, line: &str) -> String {
        let before = self.files();
        let run = self.run(line);
        assert_eq!(run.code, Some(2), "{line}\n{}{}", run.out, run.err);
        assert!(run.out.is_empty(), "{line} printed {}", run.out);
        let after = self.files();
        assert!(before == after, "{line} left {:?}, there was {:?}", after.keys(), before.keys());
        // An error tells each of its causes once.
        let twice = said_twice(&run.err);
        assert!(twice.is_none(), "{line} says {twice:?} twice: {}", run.err);
        run.err
    }

    /// The error of `line` has all of `words`.
    pub fn refused_with(&self, line: &str, words: &[&str]) {
        let error = self.refused(line);
        for word in words {
            assert!(error.contains(word), "{line}: no {word:?} in: {error}");
        }
    }

    /// Everything in the folder, folders as empty files.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.folder.path().to_path_buf()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.insert(path.clone(), std::fs::read(&path).unwrap_or_default());
            }
        }
        found
    }
}

/// A statement of three words or more that an error, the last thing printed, makes more than once. Lines of a list may be
/// alike in part.
pub fn said_twice(printed: &str) -> Option<&str> {
    let (_, error) = printed.rsplit_once("crosscheck: ")?;
    let is_long = |statement: &&str| statement.split_whitespace().count() >= 3;
    let within = |line: &str, statement: &str| line.matches(statement).count() > 1;
    let mut statements = error.lines().flat_map(|line| {
        let statements = line.split([';', ':']).map(str::trim).filter(is_long);
        statements.filter(move |statement| within(line, statement))
    });
    statements.next().or_else(|| error.lines().find(|line| is_long(line) && within(error, line)))
}

/// A cloud of one plane at `z` metres, or of none.
pub fn flat(z: f32) -> OrganisedCloud {
    let point = |i: usize| [(i % 224) as f32 * 1e-3, (i / 224) as f32 * 1e-3, z];
    OrganisedCloud::new(224, 224, (0..224 * 224).map(|i| if z == 0.0 { [0.0; 3] } else { point(i) }).collect()).unwrap()
}

/// The part on a belt.
pub fn on_a_belt(seed: u64) -> RgbdFrame {
    let frame = part::frame(seed, None);
    let mut points = frame.cloud().points().to_vec();
    for (i, point) in points.iter_mut().enumerate().filter(|(_, p)| **p == [0.0; 3]) {
        let at = |v: usize| (v as f32 - 111.5) * part::SPACING;
        *point = [at(i % 224), at(i / 224), part::DISTANCE];
    }
    RgbdFrame::new(224, 224, frame.rgb().to_vec(), OrganisedCloud::new(224, 224, points).unwrap()).unwrap()
}

/// A shared file or folder, or a file within one: `tiny`, `golden/preprocess/rgb.png`.
pub fn shared(name: &str) -> PathBuf {
    let (name, inside) = name.split_once('/').map_or((name, None), |(name, inside)| (name, Some(inside)));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = match name {
        "golden" => root.join("tests/golden"),
        "default" => root.join("engines/default.safetensors"),
        "tiny" => once(&TINY, name, |desk, to| desk.make("import --variant tiny --seeded 7 --output", to)),
        "fitted" => once(&FITTED, name, |desk, to| {
            desk.make(&format!("fit --engine @default --nominal @good {FIT} --output"), to);
        }),
        "calibrated" => once(&CALIBRATED, name, |desk, to| {
            desk.make("calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output", to);
        }),
        "good" => once(&GOOD, name, |_, to| parts(to, 0..3)),
        "held" => once(&HELD, name, |_, to| parts(to, 10..14)),
        _ => panic!("nothing is shared as {name}"),
    };
    inside.map_or(path.clone(), |inside| path.join(inside))
}

static TINY: OnceLock<PathBuf> = OnceLock::new();
static FITTED: OnceLock<PathBuf> = OnceLock::new();
static CALIBRATED: OnceLock<PathBuf> = OnceLock::new();
static GOOD: OnceLock<PathBuf> = OnceLock::new();
static HELD: OnceLock<PathBuf> = OnceLock::new();

fn once(cell: &OnceLock<PathBuf>, name: &str, make: impl FnOnce(&Desk, &Path)) -> PathBuf {
    let made = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        make(&Desk::new(), &path);
        path
    };
    cell.get_or_init(made).clone()
}

impl Desk {
    fn make(&self, line: &str, output: &Path) {
        let run: Run = self.command(line).arg(output).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{line}\n{}", run.err);
    }
}

/// Good parts in `folder`, named by their seeds.
fn parts(folder: &Path, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        mvtec3d::write(folder, &format!("{seed:03}"), &part::frame(seed, None), None).unwrap();
    }
}
