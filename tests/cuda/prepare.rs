//! `prepare.cu` and `components.cu` do the work on every pixel of a frame as the CPU does: the same bytes, the same points,
//! the same part.

use std::path::Path;
use std::sync::Arc;

use crosscheck::calibration::assembly::Assembler;
use crosscheck::calibration::camera_file::CameraFile;
use crosscheck::calibration::registration::Registration;
use crosscheck::calibration::{Camera, Intrinsics};
use crosscheck::frame::{Rays, Region, RgbdFrame};
use crosscheck::prepare::components::{Choice, Wanted, table};
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::plane::Plane;
use crosscheck::prepare::point_grid::PointGrid;
use crosscheck::prepare::window::Window;
use crosscheck::prepare::work::{Keep, PixelMachine, PixelWork};
use crosscheck::prepare::{BeltMode, NetworkInput, PartChoice, Preparation, Preparer, normalise};
use crosscheck::shapes::{H, P, RGB, W};
use fastrand::Rng;
use half::f16;

use crate::components::{Found, find, mask};
use crate::host::{Argument, Host, Schedule, float, grid, host, in_every_schedule, input, int, null, one_each, output};
use crate::support::clouds::Point;
use crate::support::scenes::{framed, parts, scenes};

const THREADS: usize = 256;
const NO_PLANE: Plane = Plane { normal: [0.0; 3], offset_m: f32::INFINITY };

/// The work on a frame by the kernels.
struct HostWork<'a> {
    host: &'a Host,
    schedule: Schedule,
    size: (usize, usize),
    rgb: Vec<u8>,
    cloud: Vec<Point>,
    /// Depth steps of the crop, the rays of the frame, and where the crop lies in it.
    steps: Option<(Vec<u16>, Arc<Rays>)>,
    place: (Region, usize),
    inside: Vec<u8>,
    points: Vec<Point>,
    found: Found,
    mask: Vec<u32>,
    /// The window's colours, normalised, `[3, H, W]`.
    halves: Vec<f16>,
}

impl<'a> HostWork<'a> {
    fn new(host: &'a Host, schedule: Schedule) -> Self {
        Self {
            host,
            schedule,
            size: (0, 0),
            rgb: Vec::new(),
            cloud: Vec::new(),
            steps: None,
            place: (Region::of_size(0, 0), 0),
            inside: Vec::new(),
            points: Vec::new(),
            found: Found { parents: Vec::new(), table: Vec::new() },
            mask: Vec::new(),
            halves: Vec::new(),
        }
    }

    fn launch(&self, kernel: &str, items: usize, arguments: &mut [Argument]) {
        self.host.launch(self.schedule, kernel, one_each(items, THREADS), arguments);
    }

    fn inside(&self) -> Argument<'_> {
        if self.inside.is_empty() { null() } else { input(&self.inside) }
    }

    /// The window's colours as bytes `[H, W, 3]` and normalised.
    fn resized(&self, window: &Window) -> (Vec<u8>, Vec<f16>) {
        let (width, height) = self.size;
        let taps = (2.0 * (window.side as f64 / W as f64).max(1.0)).ceil() as usize * 2 + 1;
        let (mut first, mut weight) = (vec![0; W], vec![0; W * taps]);
        let mut table = [int(window.side), int(taps), output::<i32>(&mut first), output::<i32>(&mut weight)];
        self.host.launch(self.schedule, "resize_table", grid(1, W), &mut table);
        let within = |at: isize| at.clamp(0, height as isize - 1) as usize;
        let rows = within(window.top)..within(window.top + window.side as isize - 1) + 1;
        // Rows that are not written count for nothing, whatever they hold.
        let mut columns = vec![0xa5u8; height * W * RGB];
        let (left, top) = (signed(window.left), signed(window.top));
        let place = [int(width), int(rows.start), int(rows.len()), left];
        let rest = [input(&first), input(&weight), int(taps), output(&mut columns)];
        let mut arguments: Vec<Argument> =
            [input(&self.rgb), self.inside()].into_iter().chain(place).chain(rest).collect();
        self.launch("resize_columns", rows.len() * W, &mut arguments);
        let (mut bytes, mut halves) = (vec![0u8; P * RGB], vec![f16::ZERO; RGB * P]);
        let rest = [input(&first), input(&weight), int(taps), output(&mut bytes), output(&mut halves)];
        let mut arguments: Vec<Argument> = [input(&columns), int(height), top].into_iter().chain(rest).collect();
        self.launch("resize_rows", P, &mut arguments);
        (bytes, halves)
    }
}

fn signed(value: isize) -> Argument<'static> {
    float(f32::from_bits(value as i32 as u32))
}

impl PixelMachine for HostWork<'_> {
    fn take(&mut self, frame: &RgbdFrame, seen: PointGrid<'_>) -> Result<(), String> {
        let (bounds, stride) = (seen.bounds(), frame.width());
        self.size = (bounds.width, bounds.height);
        let rows = || (bounds.y..bounds.bottom()).map(|y| y * stride + bounds.x..y * stride + bounds.right());
        self.cloud = rows().flat_map(|row| &frame.cloud().points()[row]).copied().collect();
        self.rgb = rows().flat_map(|row| &frame.rgb()[row.start * RGB..row.end * RGB]).copied().collect();
        let cut = |steps: &[u16]| rows().flat_map(|row| &steps[row]).copied().collect::<Vec<u16>>();
        self.steps = frame.depth().map(|(steps, rays)| (cut(steps), rays.clone()));
        self.place = (bounds, stride);
        self.inside = seen.inside().iter().map(|inside| u8::from(*inside)).collect();
        Ok(())
    }
}

impl PixelWork for HostWork<'_> {
    type Error = String;

    fn remove(&mut self, belt: Option<Plane>) -> Result<(), String> {
        let Plane { normal: [a, b, c], offset_m } = belt.unwrap_or(NO_PLANE);
        let mut points = vec![[f32::NAN; 3]; self.cloud.len()];
        let count = points.len();
        let plane = [float(a), float(b), float(c), float(offset_m), output(&mut points)];
        let (kernel, mut arguments) = match &self.steps {
            Some((steps, rays)) => {
                let (Region { x, y, width, height }, stride) = self.place;
                let mut arguments = vec![input(steps), input(&rays.rays), self.inside()];
                arguments.extend([width, height, x, y, stride].map(int));
                arguments.extend([rays.unit_m, rays.offset_m, rays.ahead_m].map(float));
                ("points_of_steps", arguments)
            }
            None => ("points_of_cloud", vec![input(&self.cloud), self.inside(), int(count)]),
        };
        arguments.extend(plane);
        self.launch(kernel, count, &mut arguments);
        drop(arguments);
        self.points = points;
        Ok(())
    }

    fn find(&mut self, wanted: Wanted) -> Result<Option<Choice>, String> {
        self.found = find(self.host, self.schedule, &self.points, self.size.0, wanted);
        Ok(table::choose(&self.found.table, self.size, wanted))
    }

    fn mark(&mut self, part: Choice) -> Result<(), String> {
        self.mask = mask(self.host, self.schedule, &self.found.parents, part.root);
        Ok(())
    }

    fn is_part(&self, pixel: usize) -> bool {
        self.mask[pixel / 32] >> (pixel % 32) & 1 == 1
    }

    fn fill(
        &mut self,
        window: &Window,
        keep: Keep,
        shift_m: Option<[f32; 3]>,
        input_of_networks: &mut NetworkInput,
    ) -> Result<(), String> {
        let (bytes, halves) = self.resized(window);
        self.halves = halves;
        normalise(&bytes, &mut input_of_networks.rgb);
        let mut out = vec![[0.0; 3]; P];
        if keep != Keep::None {
            out.fill([f32::NAN; 3]);
            let (parents, root) = match keep {
                Keep::Component(choice) => (input(&self.found.parents), choice.root),
                Keep::All | Keep::None => (null(), 0),
            };
            let (left, top) = (signed(window.left), signed(window.top));
            let place = [int(self.size.0), int(self.size.1), left, top, int(window.side)];
            let shift = shift_m.unwrap_or([-0.0; 3]).map(float);
            let from = [input(&self.points), parents, int(root as usize)];
            let mut arguments: Vec<Argument> = from.into_iter().chain(place).chain(shift).collect();
            arguments.push(output(&mut out));
            self.launch("window_points", P, &mut arguments);
        }
        input_of_networks.cloud = out;
        Ok(())
    }
}

/// Compares what the kernels make of a frame with what the CPU does, to the bit. Returns the CPU's result.
fn check(host: &Host, name: &str, frame: &RgbdFrame, how: &Preparation, at: Option<[f32; 2]>) -> NetworkInput {
    let mut want = NetworkInput::default();
    Preparer::default().run(frame, how, at, &mut want).unwrap();
    let prepared = |schedule| {
        let (mut preparer, mut work) = (Preparer::default(), HostWork::new(host, schedule));
        let mut got = NetworkInput::default();
        preparer.run_on(&mut work, frame, how, at, &mut got).unwrap();
        assert!(!preparer.has_failed());
        (bits(&got), work.halves)
    };
    // A large frame has so many threads that one order of them has to do.
    let (got, halves) = if frame.width() * frame.height() > 300_000 {
        prepared(Schedule::Shuffled)
    } else {
        in_every_schedule(prepared)
    };
    let want_bits = bits(&want);
    assert!(got.0 == want_bits.0, "{name}: the colours differ");
    assert!(got.1 == want_bits.1, "{name}: the points differ");
    assert_eq!(got.2, want_bits.2, "{name}");
    let of_halves = halves.iter().zip(&want.rgb).filter(|(half, want)| **half != f16::from_f32(**want)).count();
    assert_eq!(of_halves, 0, "{name}: halves that differ");
    want
}

/// Colours and points to the bit, and all the rest as text.
fn bits(input: &NetworkInput) -> (Vec<u32>, Vec<u32>, String) {
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let rest = format!("{:?} {:?} {}", input.window, input.taken, input.kept.iter().filter(|kept| **kept).count());
    (of(&input.rgb), of(input.cloud.as_flattened()), rest)
}

const LEVEL: Plane = Plane { normal: [0.0, 0.0, -1.0], offset_m: 0.5 };
const TILTED: Plane = Plane { normal: [0.36, 0.48, -0.8], offset_m: 0.4 };

/// Points about a belt, some of which are missing or no numbers; half of them where rounding decides whether they are nearer
/// than the 5 mm of background.
fn about(width: usize, height: usize, seed: u64, belt: &Plane) -> RgbdFrame {
    let mut random = Rng::with_seed(seed);
    let [a, b, c] = belt.normal;
    let mut above_belt = |above: f32| {
        let (x, y) = (random.f32() - 0.5, random.f32() - 0.5);
        [x, y, (above - belt.offset_m - a * x - b * y) / c]
    };
    let points = (0..width * height).map(|i| match (i * 7) % 20 {
        0 => [0.0; 3],
        1 => [f32::NAN, 0.1, 0.5],
        2 => [0.1, f32::NEG_INFINITY, 0.5],
        3 => [0.1, 0.2, f32::INFINITY],
        4..12 => above_belt(0.005),
        12 => above_belt(-0.005),
        _ => above_belt((i % 31) as f32 * 1e-3 - 0.015),
    });
    let points = points.collect();
    framed(width, height, points, seed)
}

fn how(part: PartChoice, belt: BeltMode, crop: Crop) -> Preparation {
    Preparation { part, belt, crop, ..Preparation::default() }
}

fn follow(side_mm: f32) -> Crop {
    Crop { follow_mm: Some(side_mm), ..Crop::default() }
}

#[test]
fn frames_of_any_size_are_prepared_as_by_the_cpu() {
    let Some(host) = host() else { return };
    let sizes = [(1, 1), (2, 3), (W, H), (W + 1, H - 1), (300, 7), (7, 300), (500, 400), (640, 360)];
    for (seed, (width, height)) in sizes.into_iter().enumerate() {
        let frame = about(width, height, seed as u64, &LEVEL);
        check(
            host,
            &format!("{width} x {height}"),
            &frame,
            &how(PartChoice::All, BeltMode::None, Crop::default()),
            None,
        );
    }
}

#[test]
fn the_belt_goes_as_on_the_cpu() {
    let Some(host) = host() else { return };
    for (seed, belt) in [(20, LEVEL), (21, TILTED)] {
        for (width, height) in [(W, H), (320, 240)] {
            let frame = about(width, height, seed, &belt);
            check(host, "belt", &frame, &how(PartChoice::All, BeltMode::Fixed(belt), Crop::default()), None);
        }
    }
}

#[test]
fn the_same_part_is_taken_as_by_the_cpu() {
    let Some(host) = host() else { return };
    let polygon = Some(vec![[20.0, 10.0], [250.5, 30.0], [200.0, 190.0], [15.0, 170.5]]);
    let rectangle = Some([25, 17, 200, 150]);
    let (mut without, mut close) = (0, 0);
    for (name, frame) in scenes() {
        for (part, crop) in [
            (PartChoice::Largest, Crop::default()),
            (PartChoice::Centre, Crop::default()),
            (PartChoice::Largest, Crop { polygon: polygon.clone(), ..Crop::default() }),
            (PartChoice::Centre, Crop { rectangle, ..Crop::default() }),
            (PartChoice::All, Crop { polygon: polygon.clone(), ..Crop::default() }),
        ] {
            let want =
                check(host, &format!("{name}, {part:?}, {crop:?}"), &frame, &how(part, BeltMode::Fit, crop), None);
            without += usize::from(want.taken.missing.is_some());
            close += usize::from(want.taken.is_close);
        }
    }
    assert!(without > 5 && close > 1, "{without} without a part, {close} that were chosen closely");
}

#[test]
fn windows_follow_the_part_as_on_the_cpu() {
    let Some(host) = host() else { return };
    let mut followed = 0;
    for (name, frame) in scenes() {
        for (part, crop, at) in [
            (PartChoice::Centre, follow(60.0), None),
            // Wider than the photograph, and a window whose sides are enlarged.
            (PartChoice::All, follow(500.0), None),
            (PartChoice::Largest, Crop { rectangle: Some([5, 9, 240, 180]), ..follow(30.0) }, None),
            (PartChoice::Each, follow(60.0), Some([215.0, 35.0])),
            (PartChoice::Each, follow(60.0), Some([140.0, 100.0])),
        ] {
            let want = check(host, &format!("{name}, {part:?}, {crop:?}"), &frame, &how(part, BeltMode::Fit, crop), at);
            followed += usize::from(want.taken.missing.is_none());
        }
    }
    assert!(followed > 12, "{followed}");
}

/// A pinhole camera, and one whose colour lens is bent so far that some pixels have no ray.
fn cameras() -> [Camera; 2] {
    let (width, height) = (261.0, 200.0);
    let (cx, cy) = (0.5 * width, 0.48 * height);
    let pinhole = Intrinsics { fx: 310.0, fy: 305.0, cx, cy, depth_unit_m: 0.0005, depth_offset_m: 0.1 };
    let text = "depth_unit_m = 0.0005\ndepth_offset_m = 0.1\n[colour]\nwidth = 261\nheight = 200\nfx = 150.0\nfy = 150.0\ncx = 131.0\ncy = 97.0\ndistortion = \"brown_conrady\"\ncoefficients = [-0.4, 0.1, 0.001, -0.002, 0.0]\n[depth]\nwidth = 200\nheight = 150\nfx = 130.0\nfy = 130.0\ncx = 100.0\ncy = 75.0\n[depth_to_colour]\nrotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]\ntranslation_m = [0.015, 0.001, -0.002]\n";
    let file = CameraFile::parse(text, Path::new("camera.toml")).unwrap();
    [Camera::Pinhole(pinhole), Camera::Lenses(Arc::new(Registration::new(file)))]
}

#[test]
fn points_are_made_of_depth_steps_as_by_the_cpu() {
    let Some(host) = host() else { return };
    let polygon = Some(vec![[20.0, 10.0], [250.5, 30.0], [200.0, 190.0], [15.0, 170.5]]);
    for camera in cameras() {
        let size = if matches!(camera, Camera::Pinhole(_)) { (261, 200) } else { (200, 150) };
        let mut random = Rng::with_seed(17);
        let step = |i: usize| {
            let (u, v) = (i % size.0, i / size.0);
            let above = if (60..110).contains(&u) && (50..100).contains(&v) { 40 } else { 0 };
            if random.u8(..30) == 0 { 0 } else { 700 - above + random.u16(..2) }
        };
        let depth: Vec<u16> = (0..size.0 * size.1).map(step).collect();
        let rgb: Vec<u8> = (0..261 * 200 * RGB).map(|i| (i * 7 % 251) as u8).collect();
        let mut frame = RgbdFrame::blank();
        let mut assembler = Assembler::with_registrar(Some(|_| Err("there is no other machine".into())));
        assembler.assemble(&camera, (&rgb, (261, 200)), (&depth, size), &mut frame).unwrap();
        assert!(frame.depth().is_some());
        for (part, crop) in [
            (PartChoice::All, Crop::default()),
            (PartChoice::Largest, Crop { polygon: polygon.clone(), ..Crop::default() }),
            (PartChoice::Centre, Crop { rectangle: Some([25, 17, 200, 150]), ..follow(60.0) }),
        ] {
            let want = check(host, &format!("{part:?}"), &frame, &how(part, BeltMode::Fit, crop), None);
            assert!(want.points() > 500, "{:?}", want.taken);
        }
    }
}

#[test]
fn a_large_frame_is_prepared_as_by_the_cpu() {
    let Some(host) = host() else { return };
    let frame = parts(1280, 720, &[[0, 0, 300, 300, 30], [500, 300, 260, 200, 25], [900, 500, 200, 150, 25]]);
    let want = check(host, "centre", &frame, &how(PartChoice::Centre, BeltMode::Fit, Crop::default()), None);
    assert!(want.points() > 1000 && want.taken.missing.is_none());
}
