//! Builds the stand-ins, and runs one test of this program on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::kernel_library::{self, Parts};

/// The file name of the driver's library.
pub const DRIVER: &str = "libcuda.so.1";

/// The folder of the stand-ins; none if there is no g++.
pub fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<TempDir>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| build(&kernels())).as_ref();
    if folder.is_none() {
        println!("not run: no g++");
    }
    folder.map(TempDir::path)
}

/// The folder of the kernels' sources.
pub fn kernels() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/cuda/kernels")
}

/// Builds the stand-ins with these kernels in a new folder; none if there is no g++.
pub fn build(kernels: &Path) -> Option<TempDir> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/cuda/standin");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [driver, cublas] = ["driver.cpp", "cublas.cpp"].map(|name| [own.join(name)]);
    let flags = ["-O3"];
    // cuBLAS gets the name that is looked for first, so that it is found before a cuBLAS of the system.
    let built = kernel_library::build(&Parts { kernels, others: &driver, flags: &flags }, &folder.path().join(DRIVER))
        && kernel_library::link(&cublas, &flags, &folder.path().join("libcublas.so"));
    built.then_some(folder)
}

/// The result of a run on the stand-ins.
pub struct Run {
    pub output: Output,
    /// The lines of the stand-in's report; empty if the library was never opened, or the program was ended early.
    report: String,
}

impl Run {
    pub fn printed(&self) -> String {
        [&self.output.stdout, &self.output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
    }

    /// The number `name` of the report.
    pub fn number(&self, name: &str) -> usize {
        let value = self.report.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in the report: {}\n{}", self.report, self.printed())).parse().unwrap()
    }

    /// How often each kernel was launched with each grid, number of threads and priority.
    pub fn grids(&self) -> BTreeMap<String, usize> {
        let grids = self.report.lines().filter_map(|line| line.strip_prefix("grid ")?.rsplit_once(' '));
        grids.map(|(grid, count)| (grid.to_owned(), count.parse().unwrap())).collect()
    }

    /// Whether the report has a number `name`.
    pub fn reports(&self, name: &str) -> bool {
        self.report.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
    }

    /// Checks that the run passed, and that the stand-in refused nothing and nothing was left allocated.
    pub fn check_clean(&self) {
        assert!(self.output.status.success(), "{}", self.printed());
        assert_eq!(self.number("refused"), 0, "{}", self.printed());
        for left in ["device", "host", "streams", "events", "graphs", "modules", "contexts", "work"] {
            assert_eq!(self.number(&format!("left {left}")), 0, "{left}: {}", self.report);
        }
    }
}

/// Runs `command` with the stand-ins as the system's libraries; none if there is no g++.
pub fn run(command: Command, environment: &[(&str, &str)]) -> Option<Run> {
    Some(run_in(folder()?, command, environment))
}

/// Runs `command` with the stand-ins in `folder`.
pub fn run_in(folder: &Path, mut command: Command, environment: &[(&str, &str)]) -> Run {
    let report: PathBuf = tempfile::NamedTempFile::new_in(folder).unwrap().into_temp_path().keep().unwrap();
    command.env("LD_LIBRARY_PATH", folder).env("STANDIN_REPORT", &report).envs(environment.iter().copied());
    let output = command.output().unwrap();
    Run { output, report: std::fs::read_to_string(report).unwrap_or_default() }
}

/// Runs one ignored test of this program.
pub fn run_part(part: &str, environment: &[(&str, &str)]) -> Option<Run> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([part, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    let run = run(command, environment)?;
    assert!(run.printed().contains("running 1 test"), "{part}: {}", run.printed());
    Some(run)
}

/// Whether the stand-in is there. Without it, as under `cargo test -- --ignored` on a machine that may have a GPU, an
/// ignored test must do nothing.
pub fn is_here() -> bool {
    let here = std::env::var_os("STANDIN_REPORT").is_some();
    if !here {
        println!("process {}: not run: this is a part of another test", process::id());
    }
    here
}
