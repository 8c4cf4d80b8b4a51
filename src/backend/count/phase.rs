//! Phases of a frame: what runs side by side until everything is waited for.

use super::gpu::{Gpu, Link};
use super::launch::Launch;

/// Where steps run one after the other: on the host, or in a stream of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Host,
    Colour,
    Shape,
    Pixels,
}

impl Stream {
    const COUNT: usize = 4;

    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Colour => "colour",
            Self::Shape => "shape",
            Self::Pixels => "pixels",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Launch(Launch),
    /// Bytes copied to or from page-locked memory of the host.
    Upload(usize),
    Download(usize),
    /// Bytes of the device that are set to zero.
    Fill(usize),
    /// Bytes that are copied within the device.
    Move(usize),
    /// What follows in the stream waits for all that is in the other stream now.
    Wait(Stream),
    /// Work of the host: seconds that it was measured to take.
    Host(f64),
}

/// Steps, each in its stream, up to where everything is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    pub name: &'static str,
    /// Whether it is part of the preparation, which runs while the frame before is inspected.
    pub prepares: bool,
    pub steps: Vec<(Stream, Step)>,
}

impl Phase {
    pub fn new(name: &'static str, prepares: bool) -> Self {
        Self { name, prepares, steps: Vec::new() }
    }

    pub fn push(&mut self, stream: Stream, step: Step) {
        self.steps.push((stream, step));
    }

    pub fn launch(&mut self, stream: Stream, launch: Launch) {
        self.push(stream, Step::Launch(launch));
    }

    pub fn launches(&self) -> impl Iterator<Item = (Stream, &Launch)> {
        self.steps.iter().filter_map(|(stream, step)| match step {
            Step::Launch(launch) => Some((*stream, launch)),
            _ => None,
        })
    }

    /// The time of the phase, seconds: that of its longest chain of steps, or of the GPU for all of them if that is longer.
    pub fn seconds(&self, gpu: &Gpu) -> f64 {
        self.longest_chain(gpu).max(self.gpu_seconds(gpu))
    }

    /// How long the whole GPU is busy with the phase, seconds.
    pub fn gpu_seconds(&self, gpu: &Gpu) -> f64 {
        let used = |(_, step): &(Stream, Step)| match (step, gpu.link) {
            (Step::Launch(launch), _) => launch.used(&gpu.chip),
            (Step::Fill(_) | Step::Move(_), _) => of_step(step, gpu),
            (Step::Upload(_) | Step::Download(_), Link::SharedMemory) => of_step(step, gpu),
            _ => 0.0,
        };
        self.steps.iter().map(used).sum()
    }

    fn longest_chain(&self, gpu: &Gpu) -> f64 {
        let mut ends = [0.0f64; Stream::COUNT];
        for (stream, step) in &self.steps {
            let at = *stream as usize;
            match step {
                Step::Wait(other) => ends[at] = ends[at].max(ends[*other as usize]),
                _ => ends[at] += of_step(step, gpu),
            }
        }
        ends.into_iter().fold(0.0, f64::max)
    }
}

/// The time of a step by itself, seconds.
fn of_step(step: &Step, gpu: &Gpu) -> f64 {
    match step {
        Step::Launch(launch) => launch.seconds(&gpu.chip),
        Step::Upload(bytes) | Step::Download(bytes) => match gpu.link {
            Link::Copies(bandwidth) => *bytes as f64 / bandwidth,
            Link::SharedMemory => 2.0 * *bytes as f64 / gpu.chip.bandwidth,
        },
        Step::Fill(bytes) => *bytes as f64 / gpu.chip.bandwidth,
        Step::Move(bytes) => 2.0 * *bytes as f64 / gpu.chip.bandwidth,
        Step::Wait(_) => 0.0,
        Step::Host(seconds) => seconds * gpu.host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::count::{Known, Work};

    fn waiting(cycles: f64) -> Step {
        Step::Launch(Launch::new("", [1, 1], 32, Work { cycles, ..Work::default() }))
    }

    #[test]
    fn streams_run_side_by_side_until_one_waits_for_another() {
        let gpu = Known::AgxOrin.gpu();
        let mut phase = Phase::new("", false);
        phase.push(Stream::Shape, waiting(1.3e6));
        phase.push(Stream::Colour, waiting(3.9e6));
        assert!((phase.seconds(&gpu) - 3e-3).abs() < 1e-9);
        phase.push(Stream::Pixels, Step::Wait(Stream::Shape));
        phase.push(Stream::Pixels, waiting(3.9e6));
        assert!((phase.seconds(&gpu) - 4e-3).abs() < 1e-9);
        phase.push(Stream::Shape, Step::Wait(Stream::Colour));
        phase.push(Stream::Shape, waiting(2.6e6));
        assert!((phase.seconds(&gpu) - 5e-3).abs() < 1e-9);
        phase.push(Stream::Host, Step::Host(3e-3));
        assert!((phase.seconds(&gpu) - 7.2e-3).abs() < 1e-9);
    }

    #[test]
    fn streams_share_the_gpu() {
        let gpu = Known::AgxOrin.gpu();
        let mut phase = Phase::new("", false);
        for stream in [Stream::Shape, Stream::Colour] {
            phase.launch(stream, Launch::new("", [160, 1], 32, Work { instructions: 83.2e6, ..Work::default() }));
        }
        assert!((phase.seconds(&gpu) - 2e-3).abs() < 1e-9);
        // Copies take the memory of a Jetson, and the bus of a desktop.
        phase.push(Stream::Pixels, Step::Upload(102_400_000));
        assert!((phase.seconds(&gpu) - 3e-3).abs() < 1e-9);
        let desktop = Known::Rtx4090.gpu();
        assert!(phase.gpu_seconds(&desktop) < 2e-3 && phase.seconds(&desktop) > 4e-3);
    }
}
