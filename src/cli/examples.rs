//! What `--help` shows after the options: examples, one line of explanation above each. The examples of one command after
//! the other, in the order of `crosscheck --help`, make and use the files that they name.

/// The sections of such a text: the title of each, which ends with a colon there, and its lines.
pub fn sections(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("\n\n").filter_map(|section| section.split_once(":\n"))
}

pub const PROGRAM: &str = "\
Examples:
  Learn a synthetic part, inspect 60 more, and look at the report:
    crosscheck demo --open
  Learn a part from its frames, find its threshold, and inspect one more frame:
    crosscheck fit --nominal parts/biscuit/train -o biscuit.safetensors
    crosscheck calibrate --engine biscuit.safetensors --nominal parts/biscuit/validation --false-reject-rate 0.01
    crosscheck inspect --engine biscuit.safetensors --rgb parts/biscuit/test/shape/rgb/000.png --xyz parts/biscuit/test/shape/xyz/000.tiff

Exit codes:
  0    The command is done, and what it judged has passed.
  1    Something was found: a part is rejected or to be reviewed (inspect), a verdict differs from the recorded one
       (replay), a check failed (doctor, selftest, audit --verify).
  2    An error; the last line on standard error says what was expected, what came and what to do.
  130  A second Ctrl-C ended a command that was still stopping after the first.
  141  Nobody reads the result any more, as behind `| head`; nothing is wrong.

Environment:
  RUST_LOG  What is logged on standard error: error, warn, info (the default), debug.
  NO_COLOR  If it is set and not empty, the log has no colours; it has none either where standard error is no terminal.";

pub const DEMO: &str = "\
Examples:
  Learn a biscuit from 16 good ones, inspect 60 more, and open the report in the browser:
    crosscheck demo --open
  Another part, with other defects:
    crosscheck demo --part gland --seed 3 --out gland-demo";

pub const SYNTHESIZE: &str = "\
Examples:
  One part, whose files the examples of the other commands use:
    crosscheck synthesize --out parts --part biscuit --seed 1
  A small dataset of a body with holes:
    crosscheck synthesize --out solids --part flange --train 8 --validation 20 --good 4 --defective 1";

pub const FIT: &str = "\
Examples:
  Learn a part, and show in look/parts.png which pixels were taken for it:
    crosscheck fit --nominal parts/biscuit/train --preview look -o biscuit.safetensors
  The same with the belt and the part that calibrate-station has measured:
    crosscheck fit --nominal parts/biscuit/train --scene belt.toml -o biscuit.safetensors
  With the paper's score:
    crosscheck fit --nominal parts/biscuit/train --score product -o product.safetensors";

pub const CALIBRATE: &str = "\
Examples:
  Let at most 1 % of good parts be rejected, which takes 99 good parts or more:
    crosscheck calibrate --engine biscuit.safetensors --nominal parts/biscuit/validation --false-reject-rate 0.01
  Have up to 5 % reviewed by a person as well, and keep the engine as it is:
    crosscheck calibrate --engine biscuit.safetensors --nominal parts/biscuit/validation --false-reject-rate 0.01 --review-rate 0.05 -o reviewed.safetensors";

pub const INSPECT: &str = "\
Examples:
  Judge one frame, and write its anomaly map and pictures into result:
    crosscheck inspect --engine biscuit.safetensors --rgb parts/biscuit/test/shape/rgb/000.png --xyz parts/biscuit/test/shape/xyz/000.tiff --out result
  The same for a program:
    crosscheck inspect --engine biscuit.safetensors --rgb parts/biscuit/test/shape/rgb/000.png --xyz parts/biscuit/test/shape/xyz/000.tiff --json";

pub const EVALUATE: &str = "\
Examples:
  Fit, calibrate and test on each class, and write report.html, report.md and report.json into report:
    crosscheck evaluate --dataset parts --report report
  Test a fitted engine:
    crosscheck evaluate --dataset parts --engine biscuit.safetensors
  See frame by frame what another score changes:
    crosscheck evaluate --dataset parts --score product --compare report/report.json";

pub const CALIBRATE_CAMERA: &str = "\
Examples:
  From two calibrations of single imagers and one of the pair, by OpenCV:
    crosscheck calibrate-camera --colour colour.yml --depth depth.yml --extrinsics stereo.yml -o camera.toml
  A camera that registers depth to colour itself:
    crosscheck calibrate-camera --colour colour.yml -o camera.toml
  An industrial camera that says itself what lens it has:
    crosscheck calibrate-camera --genicam 192.168.0.20 -o camera.toml";

pub const CALIBRATE_STATION: &str = "\
Examples:
  From 20 parts that pass the station's camera:
    crosscheck calibrate-station --config station.toml -o belt.toml
  From frames that are there already:
    crosscheck calibrate-station --frames parts/biscuit/train -o belt.toml";

pub const RECORD: &str = "\
Examples:
  Sixteen good parts to learn from, and twelve for the threshold:
    crosscheck record --config station.toml --station-calibration belt.toml --out recorded --nominal --parts 16 --validation 12";

pub const TEACH: &str = "\
Examples:
  Collect the parts of recipe 3 from the station's camera, and make its engine:
    crosscheck teach lessons/3 --collect --config station.toml --parts 16 --validation 12
    crosscheck teach lessons/3 --false-reject-rate 0.1
  Make the engine a recipe of the station, once it was checked as the station does it:
    crosscheck teach lessons/3 --step activate --config station.toml";

pub const DOCTOR: &str = "\
Examples:
  What this machine permits:
    crosscheck doctor
  Whether a station can run on it:
    crosscheck doctor --config station.toml";

pub const CHECK_CONFIG: &str = "\
Examples:
  Check a configuration before it is used, and see the default of each key that it leaves out:
    crosscheck check-config station.toml";

pub const RUN: &str = "\
Examples:
  Check the configuration and the machine, and run the station until it is stopped:
    crosscheck check-config station.toml
    crosscheck doctor --config station.toml
    crosscheck run --config station.toml";

pub const RECIPE: &str = "\
Examples:
  List the recipes of a running station, and which one is in force:
    crosscheck recipe station.toml
  Have it go to recipe 2, once its engine was checked; what is on the belt passes as a reject:
    crosscheck recipe station.toml 2";

pub const TRACE: &str = "\
Examples:
  All parts of a station, also while it runs:
    crosscheck trace station.toml --out parts.csv
  The rejected ones of one shift, and one part by its name:
    crosscheck trace station.toml --verdict reject --from 2026-11-30T06:00:00Z --to 2026-11-30T14:00:00Z
    crosscheck trace trace.sqlite --identity SN0042
  What was lost, and how the runs ended:
    crosscheck trace trace.sqlite --lost
    crosscheck trace trace.sqlite --runs";

pub const AUDIT: &str = "\
Examples:
  Who did what in one shift, and who changed the threshold:
    crosscheck audit station.toml --from 2026-11-30T06:00:00Z --to 2026-11-30T14:00:00Z --out shift.csv
    crosscheck audit station.toml --what threshold
  Verify that no entry was changed, and print the hash of the last one, to be noted elsewhere:
    crosscheck audit station.toml --verify";

pub const ACCOUNT: &str = "\
Examples:
  Add an account, whose password is asked for; its owner may change thresholds and recipes:
    crosscheck account add accounts.toml anna --role engineer
  Give it another password, and list all accounts:
    crosscheck account password accounts.toml anna
    crosscheck account list accounts.toml";

pub const REPLAY: &str = "\
Examples:
  Inspect a recording again as the station would do it now:
    crosscheck replay recording --config station.toml
  Any folder of frames, with a JSON object for each frame:
    crosscheck replay parts/biscuit/test --engine biscuit.safetensors --json";

pub const REVIEW: &str = "\
Examples:
  The newest parts that were rejected and that nobody has looked at yet:
    crosscheck review list recording --verdict reject --finding none
  Say what some are, and see how often good parts are rejected beside what the engine promises:
    crosscheck review say recording s00000001-0000000009 defect --kind shape --by Ada
    crosscheck review say recording s00000001-0000000012 good --by Ada
    crosscheck review summary recording --engine biscuit.safetensors
  What a higher threshold would have done to them:
    crosscheck review what-if recording --threshold 4.5";

pub const SIGN: &str = "\
Examples:
  Make a key pair, sign an engine, and check the signature as a station does:
    crosscheck sign keygen plant.key
    crosscheck sign biscuit.safetensors --key plant.key
    crosscheck sign verify biscuit.safetensors --key plant.key.pub";

pub const IMPORT: &str = "\
Examples:
  Published weights, four blocks of each network:
    crosscheck import --variant small --group-size 128 --rgb dino_vitbase8_pretrain.pth --xyz pointmae_pretrain.pth -o small.safetensors
  Random weights of the same sizes, to try the speed without the published ones:
    crosscheck import --variant small --seeded 7 -o trial.safetensors";

pub const EXPORT_ONNX: &str = "\
Examples:
  An engine of the paper's score:
    crosscheck export-onnx --engine product.safetensors -o graphs";

pub const ENGINE: &str = "\
Examples:
  Build plans for this machine's GPU, and take them into use if their scores are the CPU's:
    crosscheck engine build --engine product.safetensors --frames parts/biscuit/validation";

pub const BENCH: &str = "\
Examples:
  The built-in engine on this machine:
    crosscheck bench
  A whole station on a simulated production line, for 20 seconds:
    crosscheck bench --line --engine biscuit.safetensors --seconds 20
  With every second pixel only, and for a program:
    crosscheck bench --engine biscuit.safetensors --stride 2 --json";

pub const SELFTEST: &str = "\
Examples:
  Every kernel against the CPU, on a machine with a GPU and in a build with the feature cuda:
    crosscheck selftest --report selftest.json";

pub const COUNT: &str = "\
Examples:
  What a frame of the built-in engine takes on a Jetson Orin NX:
    crosscheck count --device orin-nx";

pub const COMPLETIONS: &str = "\
Examples:
  For one user of bash:
    crosscheck completions bash > ~/.local/share/bash-completion/completions/crosscheck";

pub const MAN: &str = "\
Examples:
  All pages, for a package:
    crosscheck man man1
  Read the program's own page:
    crosscheck man | man -l -";
