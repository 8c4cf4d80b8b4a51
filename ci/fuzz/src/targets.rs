//! What reads files and requests, each as a function of a file: whether it was read. A refusal is as good as a result;
//! a panic, a hang and too much memory are not.

mod buffers;
mod page;
mod state;

use std::fs;
use std::path::{Path, PathBuf};

use crosscheck::calibration::Lens;
use crosscheck::calibration::import::{ExtrinsicsRequest, Imager, LensRequest, read_extrinsics, read_lens};
use crosscheck::calibration::{Camera, StationCalibration};
use crosscheck::config::regions::{Area, Regions as Areas};
use crosscheck::config::{Station, scene::Scene};
use crosscheck::dataset::finding::Finding;
use crosscheck::dataset::recording::PartRecord;
use crosscheck::dataset::{Layout, Reading, Split, read_cloud, read_map, read_mask, read_rgb};
use crosscheck::model::checkpoint::Checkpoint;
use crosscheck::model::engine_file::Engine;
use crosscheck::regions::Regions;
use crosscheck::signature::{self, Keys};

const MIB: usize = 1 << 20;
/// Width and height of the corpus's pictures.
const SIDES: (usize, usize) = (12, 8);
const CAMERA: &str = "fx = 10.0\nfy = 10.0\ncx = 6.0\ncy = 4.0\ndepth_unit_m = 0.001\n";

pub struct Target {
    /// Also its folder of the corpus.
    pub name: &'static str,
    pub read: fn(&Path) -> bool,
    /// Bytes that may be held at once for an input, beside 64 for each of its own.
    pub bytes_max: usize,
    /// What such inputs are made of.
    pub words: &'static [&'static str],
    /// An input of the corpus that is made by the program itself, where a file would be too large.
    pub made: Option<fn(&Path)>,
}

impl Target {
    const fn new(
        name: &'static str,
        read: fn(&Path) -> bool,
        bytes_max: usize,
        words: &'static [&'static str],
    ) -> Self {
        Self { name, read, bytes_max, words, made: None }
    }
}

const TOML: &[&str] = &["[", "[[", "]]", " = ", "\"\"\"", "'''", "{", "}", ", ", "1979-05-27", "0x", "\\u0000", "."];
const YAML: &[&str] = &[
    "%YAML:1.0\n---\n",
    "!!opencv-matrix",
    "&a",
    "*a",
    "<<: *a\n",
    "|\n",
    ">\n",
    "? ",
    "data: [",
    "rows: 3",
    "T_cn_cnm1:\n",
    "---\n",
];
const TENSORS: &[&str] = &[
    "data.pkl",
    "\u{2}",
    "PK\u{5}\u{6}",
    "PK\u{1}\u{2}",
    "__metadata__",
    "data_offsets",
    "shape",
    "F16",
    "ctorch\n",
    "(",
    "R",
    ".",
];

/// Pictures and clouds may have 16.7 million pixels, however few bytes they come in: what one of that size takes.
const PICTURE_MAX: usize = 400 * MIB;
const CLOUD_MAX: usize = 1000 * MIB;

pub const TARGETS: &[Target] = &[
    Target::new("checkpoint", checkpoint, 64 * MIB, TENSORS),
    Target {
        made: Some(state::write_engine),
        ..Target::new("engine", |path| Engine::read(path).is_ok(), 64 * MIB, TENSORS)
    },
    Target::new(
        "colour",
        |path| read_rgb(path).is_ok(),
        PICTURE_MAX,
        &["IHDR", "PLTE", "tRNS", "eXIf", "Exif\0\0", "\u{FF}"],
    ),
    Target::new(
        "cloud",
        |path| read_cloud(path, &Reading::default()).is_ok(),
        CLOUD_MAX,
        &["'<f4'", "'<f2'", "True", "(8, 12, 3)", "II*\0"],
    ),
    Target::new("depth", depth, CLOUD_MAX, &["IHDR", "'<u2'", "(8, 12)", "II*\0"]),
    Target::new("mask", |path| read_mask(path, SIDES.0, SIDES.1).is_ok(), PICTURE_MAX, &["IHDR", "PLTE", "tRNS"]),
    Target::new("regions", regions, PICTURE_MAX, &["IHDR", "PLTE", "tRNS"]),
    Target::new("lens", lens, 16 * MIB, YAML),
    Target::new("extrinsics", extrinsics, 16 * MIB, YAML),
    Target::new("eyecandies", eyecandies, 16 * MIB, YAML),
    Target::new("camera", camera, CLOUD_MAX, TOML),
    Target::new("belt", |path| StationCalibration::read(path).is_ok(), 16 * MIB, TOML),
    Target::new("station", |path| Station::read(path).is_ok(), 16 * MIB, TOML),
    Target::new("scene", |path| Scene::read(path).is_ok(), 16 * MIB, TOML),
    Target::new("record", record, 16 * MIB, &["\"verdict\": ", "\"at\": [", "null", "1e400"]),
    Target::new(
        "finding",
        |path| matches!(Finding::read(path), Ok(Some(_))),
        16 * MIB,
        &["\"opinion\": ", "\"good\"", "null"],
    ),
    Target::new("map", |path| read_map(path, SIDES.0, SIDES.1).is_ok(), CLOUD_MAX, &["II*\0"]),
    Target::new("signature", signature, 16 * MIB, &["untrusted comment: ", "trusted comment: ", "\n", "=="]),
    Target::new("buffers", buffers::read, CLOUD_MAX, &["\u{1}\u{0}", "\u{0}\u{0}"]),
    Target { made: Some(state::write), ..Target::new("state", state::read, 64 * MIB, TENSORS) },
    Target::new(
        "page",
        page::read,
        16 * MIB,
        &[
            "GET ",
            "POST ",
            " HTTP/1.1\r\n",
            "Content-Length: ",
            "Host: ",
            "\r\n",
            "\r\n\r\n",
            "/threshold",
            "Authorization: Bearer 0123456789abcdef",
        ],
    ),
];

/// Readers with faults, by which `tests/finding.rs` sees that faults are found.
pub const BROKEN: &[Target] = &[
    Target::new(
        "panics",
        |path| fs::read(path).is_ok_and(|bytes| !bytes.contains(&b'!') || panic!("a mark")),
        MIB,
        &["!"],
    ),
    Target::new("hoards", |path| fs::read(path).is_ok_and(|bytes| vec![1u8; bytes.len() << 10].len() > 1), MIB, &[]),
    Target::new("recurses", |path| fs::read(path).is_ok_and(|bytes| depth_of(&bytes) > 0), MIB, &["[["]),
];

/// As deep as there are brackets, times a thousand.
fn depth_of(bytes: &[u8]) -> usize {
    let brackets = bytes.iter().filter(|byte| **byte == b'[').count();
    fn down(left: usize) -> usize {
        let place = std::hint::black_box([left; 64]);
        if left == 0 { 1 } else { down(left - 1) + place[0] % 2 }
    }
    down(1000 * brackets)
}

fn checkpoint(path: &Path) -> bool {
    let Ok(checkpoint) = Checkpoint::open(path) else { return false };
    let read = checkpoint.tensors().keys().filter(|name| checkpoint.read(name).is_ok()).count();
    checkpoint.sha256().is_ok() && read > 0
}

/// `name` beside an input, with the text that is given once.
fn beside(path: &Path, name: &str, text: &str) -> PathBuf {
    let file = path.with_file_name(name);
    if !file.exists() {
        fs::create_dir_all(file.parent().expect("a folder")).and_then(|()| fs::write(&file, text)).expect("scratch");
    }
    file
}

fn depth(path: &Path) -> bool {
    let camera = Camera::read(&beside(path, "camera.toml", CAMERA)).expect("a camera");
    read_cloud(path, &Reading { camera: Some(camera), ..Reading::default() }).is_ok()
}

fn regions(path: &Path) -> bool {
    let area = Area { mask: Some(path.into()), ..Area::default() };
    let areas = Areas { ignore: vec![area], ..Areas::default() };
    let read = Regions::read(&areas).ok().flatten();
    read.is_some_and(|regions| regions.mask(SIDES.0, SIDES.1).is_ok())
}

fn lens(path: &Path) -> bool {
    let asked = |imager, size| LensRequest { imager, size, camera: None, camera_1: None };
    let colour = read_lens(path, &asked(Imager::Colour, None)).is_ok();
    read_lens(path, &asked(Imager::Depth, Some((640, 480)))).is_ok() || colour
}

fn extrinsics(path: &Path) -> bool {
    let lens: Lens =
        toml::from_str("width = 640\nheight = 480\nfx = 600\nfy = 600\ncx = 320\ncy = 240").expect("a lens");
    let (depth, colour) = (&lens, &lens);
    let between = ExtrinsicsRequest { depth, colour, depth_camera: None, colour_camera: None, camera_1: None };
    read_extrinsics(path, &between).is_ok()
}

/// The input as the signature beside a file that was signed.
fn signature(path: &Path) -> bool {
    let key = include_str!("../../../tests/files/signature/made/tool.pub").lines().last().unwrap_or_default();
    let keys = Keys::read(&[key.into()]).expect("a key");
    let signed = path.with_extension("signed");
    fs::copy(path, signature::path_of(&signed)).expect("scratch");
    keys.check(&signed, include_bytes!("../../../tests/files/signature/made/message")).is_ok()
}

fn camera(path: &Path) -> bool {
    let Ok(camera) = Camera::read(path) else { return false };
    let (width, height) = SIDES;
    camera.check_sizes(SIDES, SIDES).is_err() || camera.cloud(&vec![500; width * height], width, height).is_ok()
}

/// The input as both files that such frames have beside them.
fn eyecandies(path: &Path) -> bool {
    beside(path, "set/a/train/data/000_image_4.png", "");
    beside(path, "set/a/train/data/000_depth.png", "");
    beside(path, "set/a/train/data/000_mask.png", "");
    let root = path.with_file_name("set");
    for name in ["000_info_depth.yaml", "000_metadata.yaml"] {
        fs::copy(path, root.join("a/train/data").join(name)).expect("scratch");
    }
    Layout::Eyecandies.entries(&root, "a", Split::Train, &Reading::default()).is_ok()
}

fn record(path: &Path) -> bool {
    let verdict = beside(path, "verdict/0.json", "");
    fs::copy(path, &verdict).expect("scratch");
    matches!(PartRecord::beside(&path.with_file_name("rgb/0.png")), Ok(Some(_)))
}
