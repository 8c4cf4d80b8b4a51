//! All phases of a frame.

use super::gpu::Gpu;
use super::phase::{Phase, Step, Stream};
use super::scene::Scene;
use super::{mapping, networks, pixels, prepare};
use crate::backend::kernel_sizes::wrong_size;
use crate::model::Architecture;
use crate::shapes::{P, RGB, T, XYZ};

/// A frame as the back end runs it, with the networks by the program's own kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub phases: Vec<Phase>,
}

/// The phases of a frame. The number of multiprocessors decides which products have large tiles. An error
/// names the size of networks that the kernels do not take.
pub fn frame(architecture: &Architecture, scene: &Scene, multiprocessors: usize) -> Result<Frame, String> {
    wrong_size(architecture).map_or(Ok(()), Err)?;
    let mut phases =
        vec![prepare::take(scene.camera), prepare::components(scene.camera), prepare::window(scene.camera)];
    phases.push(describe(architecture, scene, multiprocessors));
    phases.push(mapping::compare(architecture, scene, multiprocessors));
    Ok(Frame { phases })
}

/// image and cloud -> tokens, groups and what the mappings derive from them.
fn describe(architecture: &Architecture, scene: &Scene, multiprocessors: usize) -> Phase {
    let (rgb, xyz) = (&architecture.rgb, &architecture.xyz);
    let mut phase = Phase::new("networks", false);
    // The preparation left both on the device.
    phase.push(Stream::Shape, Step::Move(4 * XYZ * P));
    phase.push(Stream::Shape, Step::Move(2 * RGB * P));
    phase.push(Stream::Colour, Step::Wait(Stream::Shape));
    networks::vit(&mut phase, Stream::Colour, rgb, multiprocessors);
    mapping::derive(&mut phase, Stream::Colour, architecture, (T, architecture.c_rgb()), multiprocessors);
    pixels::centres(&mut phase, Stream::Shape, xyz.groups, scene);
    phase.push(Stream::Pixels, Step::Wait(Stream::Shape));
    pixels::rows(&mut phase, Stream::Pixels, xyz.groups, scene);
    pixels::neighbours(&mut phase, Stream::Shape, xyz, scene);
    networks::point_mae(&mut phase, Stream::Shape, xyz, multiprocessors);
    mapping::derive(&mut phase, Stream::Shape, architecture, (xyz.groups, architecture.c_xyz()), multiprocessors);
    phase
}

impl Frame {
    /// From the camera's frame in the host's memory to the score there, seconds.
    pub fn latency(&self, gpu: &Gpu) -> f64 {
        self.phases.iter().map(|phase| phase.seconds(gpu)).sum()
    }

    /// From one score to the next, seconds, if a frame is prepared while the one before is inspected.
    pub fn interval(&self, gpu: &Gpu) -> f64 {
        let of = |prepares: bool| {
            let phases = self.phases.iter().filter(move |phase| phase.prepares == prepares);
            phases.map(|phase| phase.seconds(gpu)).sum::<f64>()
        };
        of(true).max(of(false)).max(self.gpu_seconds(gpu))
    }

    /// How long the whole GPU is busy with the frame, seconds.
    pub fn gpu_seconds(&self, gpu: &Gpu) -> f64 {
        self.phases.iter().map(|phase| phase.gpu_seconds(gpu)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::count::Known;
    use crate::model::{Variant, VitShape};
    use crate::prepare::Stride;

    fn scene(stride: Stride) -> Scene {
        Scene { camera: (1280, 720), valid_share: 0.3, stride }
    }

    /// The goals of docs/gpu.md. These are counts, no timings: whoever makes a kernel longer finds out here what it costs.
    #[test]
    fn the_goals_are_met() {
        for (known, variant, group_size, stride, interval_max_ms) in [
            (Known::Rtx4090, Variant::Small, 128, Stride::One, 3.3),
            (Known::OrinNx, Variant::Tiny, 32, Stride::One, 12.0),
            (Known::OrinNx, Variant::Small, 32, Stride::Two, 16.0),
        ] {
            let (gpu, architecture) = (known.gpu(), Architecture::published(variant, group_size));
            let counted = frame(&architecture, &scene(stride), gpu.chip.multiprocessors).unwrap();
            let [interval, latency] = [counted.interval(&gpu), counted.latency(&gpu)].map(|seconds| 1e3 * seconds);
            println!("{}, {variant:?}: {interval:.2} ms, latency {latency:.2} ms", gpu.name);
            assert!(interval <= interval_max_ms && latency > interval, "{}: {interval} and {latency}", gpu.name);
        }
    }

    #[test]
    fn a_second_stride_leaves_the_networks_as_they_are() {
        let (gpu, tiny) = (Known::AgxOrin.gpu(), Architecture::published(Variant::Tiny, 32));
        let [one, two] =
            [Stride::One, Stride::Two].map(|stride| frame(&tiny, &scene(stride), gpu.chip.multiprocessors).unwrap());
        let of = |frame: &Frame, name: &str| {
            let phase = frame.phases.iter().find(|phase| phase.name == name).unwrap();
            let launches = phase.launches().filter(|(stream, _)| *stream != Stream::Pixels);
            launches.map(|(_, launch)| launch.used(&gpu.chip)).sum::<f64>()
        };
        assert_eq!(of(&one, "networks"), of(&two, "networks"));
        let ratio = of(&one, "mappings and map") / of(&two, "mappings and map");
        assert!((3.0..4.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn networks_that_the_kernels_do_not_take_are_not_counted() {
        let tiny = Architecture::published(Variant::Tiny, 32);
        let narrow = Architecture { rgb: VitShape { width: 12, ..tiny.rgb }, ..tiny };
        let refused = frame(&narrow, &scene(Stride::One), 128).unwrap_err();
        assert!(refused.contains("12 wide"), "{refused}");
    }
}
