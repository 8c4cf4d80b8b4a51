//! Every command that writes is killed at each system call with which it writes, and run with each of these calls failing.
//! It needs strace, so every test is ignored: `ci/durable/run.sh` runs them.

mod tracer;

use std::path::{Path, PathBuf};
use std::process::Output;

use crosscheck::dataset::{Reading, frames_under, mvtec3d};
use crosscheck::people::{Accounts, Role};
use tempfile::TempDir;

use crate::program::on_a_belt;
use crate::support::{part, small_engine};
use tracer::{Harm, content, copy, points, run, run_harmed, sample, temporaries};

/// Kills, and failures of each kind, of one command, spread evenly over its system calls. `CROSSCHECK_HARMS` multiplies both.
const KILLS: usize = 20;
const FAILURES: usize = 6;

/// A command, in a folder made for it.
struct Case {
    name: &'static str,
    folder: TempDir,
    line: String,
    /// How it is run again after a kill.
    again: fn(&Path, &str) -> String,
    /// Files that differ from run to run, by how their paths begin or end.
    volatile: &'static [&'static str],
    /// Frames under this folder are read after a kill; those that are there must be whole.
    frames: Option<&'static str>,
}

impl Case {
    fn new(name: &'static str, folder: TempDir, line: &str) -> Self {
        Self { name, folder, line: line.into(), again: |_, line| line.into(), volatile: &[], frames: None }
    }

    fn is_volatile(&self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        self.volatile.iter().any(|part| text.starts_with(part) || text.ends_with(part))
    }

    /// Tries all points, says how many, and what was lost.
    fn try_all(&self) {
        let whole = copy(self.folder.path());
        let points = points(whole.path(), &self.line);
        assert!(points.len() > 3 && temporaries(whole.path()).is_empty(), "{}: {points:?}", self.name);
        let mut lost = Vec::new();
        let mut tried = 0;
        let times = std::env::var("CROSSCHECK_HARMS").map_or(1, |times| times.parse().unwrap());
        for (harm, count) in [(Harm::Kill, KILLS), (Harm::Error("ENOSPC"), FAILURES), (Harm::Error("EIO"), FAILURES)] {
            let may_fail = |call: &str| !call.starts_with("unlink") && call != "rmdir";
            let of_harm: Vec<_> = points.iter().filter(|p| harm == Harm::Kill || may_fail(&p.call)).cloned().collect();
            for point in sample(&of_harm, times * count) {
                tried += 1;
                let desk = copy(self.folder.path());
                let output = run_harmed(desk.path(), &self.line, &point, harm);
                if let Err(why) = self.judge(&desk, &whole, harm, &output) {
                    lost.push(format!("{harm:?} at {point:?}: {why}"));
                }
            }
        }
        println!("{}: {} points, {tried} tried, {} lost", self.name, points.len(), lost.len());
        assert!(lost.is_empty(), "{}\n{}", self.name, lost.join("\n"));
    }

    fn judge(&self, desk: &TempDir, whole: &TempDir, harm: Harm, output: &Output) -> Result<(), String> {
        let (old, new) = (content(self.folder.path()), content(whole.path()));
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        check(!err.contains("panicked"), || err.clone())?;
        for (path, bytes) in content(desk.path()) {
            let hidden = temporaries(desk.path()).contains(&path);
            let known = old.get(&path) == Some(&bytes) || new.get(&path) == Some(&bytes);
            check(known || hidden || self.is_volatile(&path), || format!("{} is neither old nor new", path.display()))?;
        }
        for path in old.keys() {
            check(desk.path().join(path).exists() || self.is_volatile(path), || format!("{} is gone", path.display()))?;
        }
        if harm != Harm::Kill {
            check(output.status.code() == Some(2), || format!("it ended with {}: {err}", output.status))?;
            check(err.contains("os error") || err.contains("space"), || format!("it does not say why: {err}"))?;
            check(temporaries(desk.path()).is_empty(), || format!("{:?} are left", temporaries(desk.path())))?;
        }
        self.frames_are_whole(desk.path())?;
        let line = (self.again)(desk.path(), &self.line);
        let again = run(desk.path(), &line);
        check(again.status.success(), || format!("`{line}`: {}", String::from_utf8_lossy(&again.stderr)))?;
        check(temporaries(desk.path()).is_empty(), || format!("{:?} are left at last", temporaries(desk.path())))?;
        self.frames_are_whole(desk.path())?;
        let end = content(desk.path());
        for (path, bytes) in new.iter().filter(|(path, _)| !self.is_volatile(path)) {
            check(end.get(path) == Some(bytes), || format!("{} is another one at last", path.display()))?;
        }
        Ok(())
    }

    fn frames_are_whole(&self, desk: &Path) -> Result<(), String> {
        let Some(folder) = self.frames.map(|folder| desk.join(folder)).filter(|folder| folder.exists()) else {
            return Ok(());
        };
        match frames_under(&folder, &Reading::default()) {
            Err(crosscheck::dataset::DatasetError::Empty { .. }) => Ok(()),
            entries => entries
                .and_then(|all| all.iter().try_for_each(|entry| entry.frame().map(drop)))
                .map_err(|error| error.to_string()),
        }
    }
}

fn check(holds: bool, why: impl Fn() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// A folder with the small engine, fitted and not, and good parts.
fn desk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    small_engine::engine(1.0).write(&at("engine")).unwrap();
    for seed in 0..4 {
        mvtec3d::write(&at("good"), &format!("{seed:03}"), &part::frame(seed, None), None).unwrap();
    }
    folder
}

fn done(folder: &TempDir, line: &str) {
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn import() {
    let folder = tempfile::tempdir().unwrap();
    let line = "import --variant tiny --output engine --seeded";
    done(&folder, &format!("{line} 8"));
    Case::new("import", folder, &format!("{line} 7")).try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn fit() {
    let folder = desk();
    let line = "fit --engine engine --nominal good --pixels 64 --keep-state-every 0 --output fitted";
    done(&folder, &format!("{line} --epochs 2 --seed 1"));
    let resumed = |folder: &Path, line: &str| {
        let there = folder.join("fitted.state").exists();
        if there { format!("{line} --resume") } else { line.into() }
    };
    let volatile = &["fitted.state"];
    Case { again: resumed, volatile, ..Case::new("fit", folder, &format!("{line} --epochs 5")) }.try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn calibrate() {
    Case::new("calibrate", desk(), "calibrate --engine engine --nominal good --false-reject-rate 0.3").try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn export_onnx() {
    // The last one goes before the others change.
    let volatile = &["map_xyz_to_rgb.onnx"];
    let folder = desk();
    done(&folder, "export-onnx --engine engine --output graphs --precision f32");
    Case { volatile, ..Case::new("export-onnx", folder, "export-onnx --engine engine --output graphs") }.try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn synthesize() {
    let line = "synthesize --out parts --part puck --frame 64x64 --train 2 --validation 1 --good 1 --defective 1";
    Case {
        again: |folder, line| if folder.join("parts/puck").exists() { "--version".into() } else { line.into() },
        frames: Some("parts"),
        ..Case::new("synthesize", tempfile::tempdir().unwrap(), line)
    }
    .try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn inspect() {
    let line = "inspect --engine engine --rgb good/rgb/000.png --xyz good/xyz/000.tiff --threshold 1e9 --out maps";
    Case::new("inspect", desk(), line).try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn evaluate() {
    let folder = desk();
    let dent: Vec<bool> = (0..224 * 224).map(|pixel| pixel < 500).collect();
    for (kind, seed, truth) in [("good", 5, None), ("dent", 6, Some(dent.as_slice()))] {
        let to = folder.path().join("data/part/test").join(kind);
        mvtec3d::write(&to, "000", &part::frame(seed, None), truth).unwrap();
    }
    for split in ["train", "validation"] {
        let to = folder.path().join("data/part").join(split).join("good");
        mvtec3d::write(&to, "000", &part::frame(7, None), None).unwrap();
    }
    let line = "evaluate --engine engine --dataset data --report report --false-reject-rate 0.5";
    // They say how long it took.
    let volatile = &["report/report.json", "report/report.md", "report/report.html"];
    Case { volatile, ..Case::new("evaluate", folder, line) }.try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn sign() {
    let folder = desk();
    done(&folder, "sign keygen key");
    // It says when it was made.
    let volatile = &["engine.minisig"];
    Case { volatile, ..Case::new("sign", folder, "sign engine --key key") }.try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn account() {
    let folder = tempfile::tempdir().unwrap();
    let mut accounts = Accounts::read_or_begin(&folder.path().join("accounts.toml")).unwrap();
    for name in ["anna", "bert"] {
        accounts.add(name, Role::Viewer, "correct horse").unwrap();
    }
    accounts.write().unwrap();
    // An account cannot be removed twice.
    let again = |desk: &Path, line: &str| match Accounts::read(&desk.join("accounts.toml")).unwrap().find("anna") {
        Ok(_) => line.to_string(),
        Err(_) => "account list accounts.toml".into(),
    };
    Case { again, ..Case::new("account", folder, "account remove accounts.toml anna") }.try_all();
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn calibrate_camera() {
    let folder = tempfile::tempdir().unwrap();
    let lens = "image_width: 640\nimage_height: 480\ncamera_matrix: [[600, 0, 320], [0, 600, 240], [0, 0, 1]]\n\
                distortion_coefficients: [0.1, -0.2, 0.0, 0.0, 0.05]\n";
    std::fs::write(folder.path().join("colour.yml"), lens).unwrap();
    let line = "calibrate-camera --colour colour.yml --output camera.toml";
    Case::new("calibrate-camera", folder, line).try_all();
}

/// A station on the desk's good parts.
fn station(record: &str) -> TempDir {
    let folder = desk();
    let text = format!(
        "[engine]\npath = \"engine\"\n[camera]\nsource = \"replay\"\n[camera.replay]\nfolder = \"good\"\n\
         frame_rate_hz = 20.0\n[trigger]\nsource = \"frame\"\n[reject]\ndelay_ms = 1000\ndecision_lead_ms = 50\n\
         pulse_ms = 20\n[actuator]\nsink = \"log\"\n{record}[view]\nenabled = false\n"
    );
    std::fs::write(folder.path().join("station.toml"), text).unwrap();
    folder
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn run_with_a_recording() {
    let folder = station("[record]\nfolder = \"recording\"\npass_share = 1.0\nqueue_frames_max = 8\n");
    let (frames, volatile) = (Some("recording"), &["recording"]);
    let case = Case { frames, volatile, ..Case::new("run", folder, "run --config station.toml") };
    // A disk that fails is a fault that does not stop the line: only kills are tried.
    let points = points(copy(case.folder.path()).path(), &case.line);
    let mut lost = Vec::new();
    for point in sample(&points, KILLS) {
        let desk = copy(case.folder.path());
        run_harmed(desk.path(), &case.line, &point, Harm::Kill);
        let whole = case.frames_are_whole(desk.path()).and_then(|()| {
            let again = run(desk.path(), &case.line);
            check(again.status.success(), || String::from_utf8_lossy(&again.stderr).into_owned())?;
            check(temporaries(desk.path()).is_empty(), || format!("{:?} are left", temporaries(desk.path())))?;
            let replay = run(desk.path(), "replay recording --engine engine");
            check(replay.status.success(), || String::from_utf8_lossy(&replay.stderr).into_owned())?;
            every_part_has_seven_files(&desk.path().join("recording/parts/test"))
        });
        lost.extend(whole.err().map(|why| format!("killed at {point:?}: {why}")));
    }
    println!("run: {} points, {} tried, {} lost", points.len(), points.len().min(KILLS), lost.len());
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

fn every_part_has_seven_files(test: &Path) -> Result<(), String> {
    let mut parts = std::collections::BTreeMap::<PathBuf, usize>::new();
    for path in content(test).into_keys() {
        *parts.entry(path.iter().take(1).collect::<PathBuf>().join(path.file_stem().unwrap())).or_default() += 1;
    }
    check(!parts.is_empty() && parts.values().all(|files| *files == 7), || format!("{parts:?}"))
}

#[test]
#[ignore = "needs strace: ci/durable/run.sh"]
fn record() {
    let folder = station("[scene]\npart = \"everything\"\n");
    // Frames with a point at every pixel: others are left out.
    for seed in 0..4 {
        mvtec3d::write(&folder.path().join("good"), &format!("{seed:03}"), &on_a_belt(seed), None).unwrap();
    }
    let line = "record --config station.toml --out parts --parts 1";
    let (frames, volatile) = (Some("parts"), &["parts"]);
    // What another run adds has other numbers.
    Case { frames, volatile, ..Case::new("record", folder, line) }.try_all();
}
