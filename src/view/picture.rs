//! The latest picture: copied into one slot while a client asks for pictures, drawn and encoded on request.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use heapless::Vec as Few;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use serde::Serialize;

use crate::defects::{DEFECTS_MAX, Defect};
use crate::frame::OrganisedCloud;
use crate::identity::Identity;
use crate::locked::locked;
use crate::overlay::{Overlay, Photograph, overlay, relief};
use crate::prepare::window::Window;
use crate::priority;
use crate::score::Verdict;

/// How long after a request the next one is expected.
const LOOK: Duration = Duration::from_secs(5);
const JPEG_QUALITY: u8 = 80;

/// The slot between the inspection and the view. The inspection never waits for it.
pub struct Latest {
    started: Instant,
    /// Pictures are copied until this time after the start.
    wanted_until_ms: AtomicU64,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    picture: Picture,
    /// Whether this picture is newer than the last one taken.
    fresh: bool,
}

/// Which part a picture shows.
#[derive(Clone, Copy, Default)]
pub struct Shown {
    /// Its number.
    pub part: u64,
    pub identity: Identity,
    /// The recipe under which it was announced; 0 where the station has none.
    pub recipe: u16,
}

/// What the page tells of the part in the latest picture.
#[derive(Serialize)]
pub struct Told {
    part: u64,
    identity: Identity,
    recipe: u16,
    score: Option<f32>,
    threshold: Option<f32>,
    verdict: Option<Verdict>,
    /// What was found, the worst first.
    defects: Vec<Defect>,
}

/// The data that an overlay is drawn from. Its buffers are reused.
#[derive(Default)]
struct Picture {
    shown: Shown,
    rgb: Vec<u8>,
    points: Vec<[f32; 3]>,
    width: usize,
    height: usize,
    window: Window,
    kept: Vec<bool>,
    anomaly_map: Vec<f32>,
    valid: Vec<bool>,
    score: Option<f32>,
    threshold: Option<f32>,
    verdict: Option<Verdict>,
    defects: Few<Defect, DEFECTS_MAX>,
}

impl Latest {
    pub fn new() -> Self {
        Self { started: Instant::now(), wanted_until_ms: AtomicU64::new(0), slot: Mutex::default() }
    }

    /// Copies the inspected frame if pictures are asked for and the slot is free; otherwise the frame is not shown.
    pub fn offer(&self, shown: Shown, what: &Overlay, cloud: &OrganisedCloud) {
        let wanted = self.now_ms() < self.wanted_until_ms.load(Relaxed);
        let slot = wanted.then(|| self.slot.try_lock().ok()).flatten();
        if let Some(mut slot) = slot {
            slot.picture.copy(shown, what, cloud);
            slot.fresh = true;
        }
    }

    /// Notes that a picture was asked for.
    pub(super) fn want(&self) {
        self.wanted_until_ms.store(self.now_ms() + LOOK.as_millis() as u64, Relaxed);
    }

    /// Swaps `seen` with a newer picture; false if there is none.
    fn take(&self, seen: &mut Picture) -> bool {
        let mut slot = locked(&self.slot);
        let fresh = std::mem::take(&mut slot.fresh);
        if fresh {
            std::mem::swap(&mut slot.picture, seen);
        }
        fresh
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

impl Default for Latest {
    fn default() -> Self {
        Self::new()
    }
}

impl Picture {
    fn copy(&mut self, shown: Shown, what: &Overlay, cloud: &OrganisedCloud) {
        let Photograph { rgb, width, height } = what.photograph;
        (self.shown, self.width, self.height) = (shown, width, height);
        (self.score, self.threshold, self.verdict) = (what.score, what.threshold, what.verdict);
        rgb.clone_into(&mut self.rgb);
        cloud.points().clone_into(&mut self.points);
        self.window = what.window;
        what.kept.clone_into(&mut self.kept);
        what.anomaly_map.clone_into(&mut self.anomaly_map);
        what.valid.clone_into(&mut self.valid);
        self.defects = what.defects.iter().take(DEFECTS_MAX).copied().collect();
    }

    fn told(&self) -> Told {
        let Shown { part, identity, recipe } = self.shown;
        Told {
            part,
            identity,
            recipe,
            score: self.score,
            threshold: self.threshold,
            verdict: self.verdict,
            defects: self.defects.to_vec(),
        }
    }

    fn as_overlay(&self) -> Overlay<'_> {
        Overlay {
            photograph: Photograph { rgb: &self.rgb, width: self.width, height: self.height },
            window: self.window,
            kept: &self.kept,
            anomaly_map: &self.anomaly_map,
            valid: &self.valid,
            score: self.score,
            threshold: self.threshold,
            verdict: self.verdict,
            defects: &self.defects,
        }
    }
}

/// Draws and encodes each picture once, however many clients ask for it.
pub struct Encoder {
    /// The view's own thread, so that the station's threads draw nothing.
    pool: rayon::ThreadPool,
    encoded: Mutex<Encoded>,
}

#[derive(Default)]
struct Encoded {
    picture: Picture,
    /// In the order of [`Kind::ALL`].
    jpegs: [Option<Vec<u8>>; Kind::ALL.len()],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The photograph.
    Frame,
    /// The heat map over it.
    Overlay,
    /// The shape, shaded.
    Relief,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Frame, Self::Overlay, Self::Relief];
}

impl Encoder {
    pub fn new() -> io::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "view-draw".into());
        let pool = pool.start_handler(|_| priority::lower()).build().map_err(io::Error::other)?;
        Ok(Self { pool, encoded: Mutex::default() })
    }

    /// Tells of the part in the latest picture; none before the first.
    pub fn told(&self, latest: &Latest) -> Option<Told> {
        let mut encoded = locked(&self.encoded);
        encoded.renew(latest);
        (!encoded.picture.rgb.is_empty()).then(|| encoded.picture.told())
    }

    /// Draws something else, one at a time with the rest.
    pub fn draw<T: Send>(&self, draw: impl FnOnce() -> T + Send) -> T {
        self.pool.install(draw)
    }

    /// The latest picture as a JPEG; none before the first.
    pub fn jpeg(&self, latest: &Latest, kind: Kind) -> Option<Vec<u8>> {
        let mut encoded = locked(&self.encoded);
        encoded.renew(latest);
        if encoded.picture.rgb.is_empty() {
            return None;
        }
        let Encoded { picture, jpegs } = &mut *encoded;
        let kept = &mut jpegs[kind as usize];
        if kept.is_none() {
            *kept = self
                .pool
                .install(|| picture.encode(kind))
                .inspect_err(|e| log::warn!("the picture cannot be encoded: {e}"))
                .ok();
        }
        kept.clone()
    }
}

impl Encoded {
    fn renew(&mut self, latest: &Latest) {
        if latest.take(&mut self.picture) {
            self.jpegs = Default::default();
        }
    }
}

impl Picture {
    fn encode(&self, kind: Kind) -> image::ImageResult<Vec<u8>> {
        let drawn = match kind {
            Kind::Frame => return jpeg(&self.rgb, self.width as u32, self.height as u32),
            Kind::Overlay => overlay(&self.as_overlay()),
            Kind::Relief => {
                let cloud = OrganisedCloud::new(self.width, self.height, self.points.clone());
                relief(&cloud.map_err(io::Error::other)?)
            }
        };
        jpeg(&drawn, drawn.width(), drawn.height())
    }
}

fn jpeg(rgb: &[u8], width: u32, height: u32) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    encoder.write_image(rgb, width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Region;
    use crate::shapes::P;

    fn offer(latest: &Latest, part: u64, level: u8) {
        let rgb = vec![level; 64 * 48 * 3];
        let map = vec![0.5; P];
        let valid = vec![true; P];
        let photograph = Photograph { rgb: &rgb, width: 64, height: 48 };
        let score = Some(0.5);
        let threshold = Some(1.0);
        let verdict = Some(Verdict::Pass);
        let window = Window::around(Region::of_size(64, 48));
        let (kept, anomaly_map) = (&valid, &map);
        latest.offer(
            Shown { part, ..Shown::default() },
            &Overlay { photograph, window, kept, anomaly_map, valid: &valid, score, threshold, verdict, defects: &[] },
            &OrganisedCloud::new(64, 48, vec![[0.0, 0.0, 0.5]; 64 * 48]).unwrap(),
        );
    }

    #[test]
    fn a_picture_is_copied_only_while_someone_looks() {
        let latest = Latest::new();
        let encoder = Encoder::new().unwrap();
        offer(&latest, 1, 10);
        assert!(encoder.told(&latest).is_none());
        assert!(encoder.jpeg(&latest, Kind::Frame).is_none());
        latest.want();
        offer(&latest, 2, 10);
        assert_eq!(encoder.told(&latest).unwrap().part, 2);
    }

    #[test]
    fn a_picture_that_is_being_taken_is_not_waited_for() {
        let latest = Latest::new();
        latest.want();
        let taken = latest.slot.lock().unwrap();
        offer(&latest, 1, 10);
        drop(taken);
        assert!(!latest.slot.lock().unwrap().fresh);
    }

    #[test]
    fn the_newest_picture_is_encoded_in_each_kind() {
        let latest = Latest::new();
        let encoder = Encoder::new().unwrap();
        latest.want();
        for (part, level) in [(1, 40), (2, 200)] {
            offer(&latest, part, level);
            let frame = image::load_from_memory(&encoder.jpeg(&latest, Kind::Frame).unwrap()).unwrap().to_rgb8();
            assert_eq!((frame.width(), frame.height()), (64, 48));
            assert!(frame.get_pixel(30, 30).0[0].abs_diff(level) < 4);
            let drawn = image::load_from_memory(&encoder.jpeg(&latest, Kind::Overlay).unwrap()).unwrap();
            assert!(drawn.height() > 48, "the legend is below");
            let relief = image::load_from_memory(&encoder.jpeg(&latest, Kind::Relief).unwrap()).unwrap();
            assert_eq!((relief.width(), relief.height()), (64, 48));
        }
    }
}
