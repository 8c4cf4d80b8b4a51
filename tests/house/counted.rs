//! The tables of docs/gpu.md between `counted` markers are what the program counts.

use std::collections::BTreeMap;
use std::path::Path;

use crosscheck::backend::count::{Chip, Frame, Gpu, Known, Launch, Scene, Stream, frame, registration};
use crosscheck::model::engine_file::Engine;
use crosscheck::model::{Architecture, Score, Variant};
use crosscheck::prepare::Stride;

/// With this variable, the tables are written in place of being compared.
const WRITE: &str = "CROSSCHECK_WRITE_COUNTED";
const CAMERA: (usize, usize) = (1280, 720);
const GPUS: [Known; 3] = [Known::Rtx4090, Known::AgxOrin, Known::OrinNx];

fn counted(variant: Variant, group_size: usize, stride: Stride, gpu: &Gpu) -> Frame {
    of_architecture(&Architecture::published(variant, group_size), stride, gpu)
}

fn of_architecture(architecture: &Architecture, stride: Stride, gpu: &Gpu) -> Frame {
    let scene = Scene { camera: CAMERA, valid_share: 0.3, stride };
    frame(architecture, &scene, gpu.chip.multiprocessors).unwrap()
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

fn table(head: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let rule = row(head.iter().map(|_| "---".into())).replace(' ', "");
    row(head) + &rule + &rows.into_iter().map(row).collect::<String>()
}

fn ms(seconds: f64) -> String {
    format!("{:.2}", 1e3 * seconds)
}

fn us(seconds: f64) -> String {
    format!("{:.0}", 1e6 * seconds)
}

/// What was counted and measured when the networks were TensorRT's and the CPU prepared the frames: the GPU's part, and
/// a frame by itself with the host's part, ms.
fn before(known: Known, variant: Variant, group_size: usize, stride: Stride) -> &'static str {
    match (known, variant, group_size, stride) {
        (Known::Rtx4090, Variant::Tiny, 32, Stride::One) => "2.4 (8.0)",
        (Known::Rtx4090, Variant::Tiny, 128, Stride::One) => "3.2 (9.1)",
        (Known::Rtx4090, Variant::Small, 32, Stride::One) => "3.6 (9.1)",
        (Known::Rtx4090, Variant::Small, 128, Stride::One) => "4.4 (10.0)",
        (Known::OrinNx, Variant::Tiny, 32, Stride::One) => "17 (36)",
        (Known::OrinNx, Variant::Small, 32, Stride::One) => "36 (56)",
        (Known::OrinNx, Variant::Small, 128, Stride::One) => "52 (71)",
        _ => "",
    }
}

/// Whole frames: before, and as they are counted now, frame after frame and by themselves.
fn frames() -> String {
    let mut head = vec!["engine".to_owned(), "K".into(), "stride".into()];
    head.extend(GPUS.iter().flat_map(|known| {
        let name = known.gpu().name;
        [format!("{name}, before"), format!("{name}, after")]
    }));
    let mut rows = Vec::new();
    for (variant, name) in [(Variant::Tiny, "Tiny"), (Variant::Small, "Small")] {
        for (group_size, stride) in [32, 128].into_iter().flat_map(|k| Stride::ALL.map(|stride| (k, stride))) {
            let mut cells = vec![name.to_owned(), group_size.to_string(), stride.pixels().to_string()];
            for known in GPUS {
                let gpu = known.gpu();
                let frame = counted(variant, group_size, stride, &gpu);
                cells.push(before(known, variant, group_size, stride).into());
                cells.push(format!("{} ({})", ms(frame.interval(&gpu)), ms(frame.latency(&gpu))));
            }
            rows.push(cells);
        }
    }
    table(head, rows)
}

/// The phases of a variant's frames.
fn stages(variant: Variant) -> String {
    let asked: Vec<(Gpu, usize)> = GPUS.iter().flat_map(|known| [32, 128].map(|k| (known.gpu(), k))).collect();
    let head =
        ["stage, ms".to_owned()].into_iter().chain(asked.iter().map(|(gpu, k)| format!("{}, K = {k}", gpu.name)));
    let frames: Vec<Frame> = asked.iter().map(|(gpu, k)| counted(variant, *k, Stride::One, gpu)).collect();
    let each = |name: &str, of: &dyn Fn(&Frame, &Gpu) -> f64| {
        let cells = frames.iter().zip(&asked).map(|(frame, (gpu, _))| ms(of(frame, gpu)));
        [name.to_owned()].into_iter().chain(cells).collect::<Vec<_>>()
    };
    let chain = |frame: &Frame, gpu: &Gpu, wanted: Stream| {
        let phase = frame.phases.iter().find(|phase| phase.name == "networks").unwrap();
        let own = phase.launches().filter(|(stream, _)| *stream == wanted);
        own.map(|(_, launch)| launch.seconds(&gpu.chip)).sum::<f64>()
    };
    let mut rows = Vec::new();
    for (i, phase) in frames[0].phases.iter().enumerate() {
        rows.push(each(phase.name, &|frame, gpu| frame.phases[i].seconds(gpu)));
        if phase.name == "networks" {
            rows.push(each("of them the colour stream alone", &|frame, gpu| chain(frame, gpu, Stream::Colour)));
            rows.push(each("of them the shape stream alone", &|frame, gpu| chain(frame, gpu, Stream::Shape)));
        }
    }
    rows.push(each("one frame by itself", &|frame, gpu| frame.latency(gpu)));
    rows.push(each("the GPU, busy with a frame", &|frame, gpu| frame.gpu_seconds(gpu)));
    rows.push(each("frame after frame", &|frame, gpu| frame.interval(gpu)));
    table(head.collect(), rows)
}

/// Launches, operations, instructions and bytes of a kernel, and its time on each chip.
type Sums = (usize, [f64; 3], Vec<f64>);

fn sums<'a>(launches: impl Iterator<Item = &'a Launch>, chips: &[Chip]) -> BTreeMap<&'static str, Sums> {
    let mut found: BTreeMap<&'static str, Sums> = BTreeMap::new();
    for launch in launches {
        // Which of the two a product takes depends on the GPU.
        let kernel = if launch.kernel == "linear_large" { "linear" } else { launch.kernel };
        let (count, work, times) = found.entry(kernel).or_insert_with(|| (0, [0.0; 3], vec![0.0; chips.len()]));
        *count += 1;
        let own = [launch.work.operations / 1e9, launch.work.instructions / 1e6, launch.work.bytes / 1e6];
        work.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        times.iter_mut().zip(chips).for_each(|(sum, chip)| *sum += launch.seconds(chip));
    }
    found
}

/// Every kernel of Small's frames, and of a registration.
fn kernels() -> String {
    let head = ["kernel", "launches", "GFLOP", "million instructions", "MB"].map(str::to_owned).into_iter();
    let head = head.chain(GPUS.iter().map(|known| format!("{}, us", known.gpu().name))).collect();
    let chips: Vec<Chip> = GPUS.iter().map(|known| known.gpu().chip).collect();
    let of = |group_size| {
        // Fewer multiprocessors have large tiles for more products: the table's work is that on the smallest of the GPUs.
        let per_chip = GPUS.map(|known| {
            let (gpu, chips) = (known.gpu(), [known.gpu().chip]);
            let frame = counted(Variant::Small, group_size, Stride::One, &gpu);
            sums(frame.phases.iter().flat_map(|phase| phase.launches().map(|(_, launch)| launch)), &chips)
        });
        let [.., smallest] = &per_chip;
        let each = smallest.iter().map(|(kernel, (count, work, _))| {
            let times = per_chip.iter().map(|found| found[kernel].2[0]).collect();
            (*kernel, (*count, *work, times))
        });
        each.collect::<BTreeMap<&'static str, Sums>>()
    };
    let cells = |name: String, (count, work, times): &Sums| {
        let work = work.iter().zip([2, 1, 1]).map(|(value, digits)| match value {
            0.0 => String::new(),
            value => format!("{value:.digits$}"),
        });
        [name, count.to_string()].into_iter().chain(work).chain(times.iter().map(|t| us(*t))).collect::<Vec<_>>()
    };
    let (small, large) = (of(32), of(128));
    let mut rows = Vec::new();
    for (kernel, found) in &small {
        let name = if *kernel == "linear" { "`linear`, `linear_large`".into() } else { format!("`{kernel}`") };
        rows.push(cells(name, found));
        if large[kernel] != *found {
            rows.push(cells(format!("`{kernel}`, K = 128"), &large[kernel]));
        }
    }
    for (kernel, found) in sums(registration(CAMERA, CAMERA).iter(), &chips) {
        rows.push(cells(format!("`{kernel}`, beside the frame"), &found));
    }
    table(head, rows)
}

/// Both scores of the built-in engine and of Small: frame after frame, and the mappings with the map by themselves.
fn scores() -> String {
    let mut head = vec!["engine".to_owned(), "stride".into(), "score".into()];
    head.extend(GPUS.iter().map(|known| known.gpu().name.to_owned()));
    let mut rows = Vec::new();
    let built_in = Engine::built_in().unwrap().metadata.architecture;
    for (name, architecture) in
        [("the built-in engine", built_in), ("Small, K = 32", Architecture::published(Variant::Small, 32))]
    {
        for (stride, score) in Stride::ALL.into_iter().flat_map(|stride| Score::ALL.map(|score| (stride, score))) {
            let architecture = Architecture { score, ..architecture.clone() };
            let cell = |known: Known| {
                let gpu = known.gpu();
                let frame = of_architecture(&architecture, stride, &gpu);
                let mappings = frame.phases.iter().find(|phase| phase.name == "mappings and map").unwrap();
                format!("{} ({})", ms(frame.interval(&gpu)), ms(mappings.seconds(&gpu)))
            };
            let names = [name.to_owned(), stride.pixels().to_string(), score.name().to_owned()];
            rows.push(names.into_iter().chain(GPUS.map(cell)).collect());
        }
    }
    table(head, rows)
}

/// The text with each marked table as it is counted, and the markers that are missing.
fn renewed(text: &str) -> (String, Vec<String>) {
    let (mut text, mut missing) = (text.to_owned(), Vec::new());
    let tables = [
        ("frames", frames()),
        ("Tiny", stages(Variant::Tiny)),
        ("Small", stages(Variant::Small)),
        ("kernels of a frame", kernels()),
        ("scores", scores()),
    ];
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- counted {name}: begin -->\n"), format!("<!-- counted {name}: end -->\n"));
        match (text.split_once(&begin), text.split_once(&end)) {
            (Some((before, _)), Some((_, after))) => text = format!("{before}{begin}{table}{end}{after}"),
            _ => missing.push(name.to_owned()),
        }
    }
    (text, missing)
}

#[test]
fn the_tables_of_the_gpus_page_are_what_is_counted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gpu.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (new, missing) = renewed(&text);
    assert!(missing.is_empty(), "docs/gpu.md has no markers for {missing:?}");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, new).unwrap();
    } else {
        let line = text.lines().zip(new.lines()).find(|(old, new)| old != new);
        assert!(text == new, "{line:?} in docs/gpu.md is not what is counted: run this test with {WRITE}=1");
    }
}
