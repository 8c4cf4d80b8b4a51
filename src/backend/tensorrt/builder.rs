//! Builds a plan from a graph.

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::TensorRtError;
use super::library::{Kind, Library, errors};
use super::memory::Memory;
use super::sys::BuildRequest;
use crate::backend::cuda::Gpu;

/// The memory that a plan may use beside its weights. The largest tensor, 512 channels of 1,024 groups of 128 points,
/// is 134 MB.
const WORKSPACE_BYTES: usize = 1 << 30;

/// The compute capabilities that TensorRT-RTX builds for. An Orin's, 8.7, is not among them: TensorRT builds its plans
/// on the Orin itself.
const RTX_CAPABILITIES: [(i32, i32); 4] = [(8, 0), (8, 6), (8, 9), (12, 0)];

/// The GPUs that a plan is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any GPU of this compute capability (TensorRT-RTX).
    Capability(i32, i32),
    /// The GPU at hand (TensorRT).
    Device(Gpu),
}

impl Target {
    /// The name of the target in the names of files: `sm89`, or the GPU's name in lower case, its words joined by
    /// hyphens.
    pub fn name(&self) -> String {
        match self {
            Self::Capability(major, minor) => format!("sm{major}{minor}"),
            Self::Device(gpu) => {
                let small = gpu.name.to_ascii_lowercase();
                small
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .filter(|s| !s.is_empty())
                    .collect::<Vec<_>>()
                    .join("-")
            }
        }
    }

    /// The compute capability as the shim takes it, 89 for 8.9; zero for the GPU at hand.
    fn capability(&self, kind: Kind) -> Result<i32, TensorRtError> {
        match (kind, self) {
            (Kind::TensorRt, Self::Device(_)) => Ok(0),
            (Kind::Rtx, Self::Capability(major, minor)) if RTX_CAPABILITIES.contains(&(*major, *minor)) => {
                Ok(major * 10 + minor)
            }
            _ => Err(TensorRtError::Target { library: kind.name(), target: self.name() }),
        }
    }
}

/// The options of a build that are not in the shim, which are part of a plan's key.
pub fn options() -> String {
    format!("workspace {WORKSPACE_BYTES}")
}

/// The progress of a build: the phase, and how many of its steps are done.
pub struct Step<'a> {
    pub phase: &'a str,
    pub done: usize,
    /// How many steps the phase has. It is given only at the phase's start.
    pub of: Option<usize>,
}

/// The function that is called at each step of a build, and returns whether to go on.
pub type Report<'a> = &'a mut (dyn FnMut(Step<'_>) -> bool + Send);

/// What the library's threads share of a build: any of them may report a step at any time.
struct Watch<'a> {
    report: Mutex<Report<'a>>,
    is_stopped: AtomicBool,
}

impl<'a> Watch<'a> {
    fn new(report: Report<'a>) -> Self {
        Self { report: Mutex::new(report), is_stopped: AtomicBool::new(false) }
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Reports a step, one thread at a time, and returns whether to go on. Once the report has ended the build, it is not
    /// called again.
    fn tell(&self, step: Step<'_>) -> bool {
        // A report that panicked in another thread has ended the program there.
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return false;
        }
        let goes_on = report(step);
        self.is_stopped.store(!goes_on, Ordering::Relaxed);
        goes_on
    }
}

/// Builds the plan of `graph`, an ONNX file named `name`. `report` is called at every step; if it returns false, the
/// build ends.
pub fn build(
    library: Library,
    name: &'static str,
    graph: &[u8],
    target: &Target,
    report: Report<'_>,
) -> Result<Memory, TensorRtError> {
    let capability = target.capability(library.kind)?;
    let parser = library.create_parser()?;
    let watch = Watch::new(report);
    let request = BuildRequest {
        create_builder: library.create_builder.0,
        create_parser: parser.0,
        graph: graph.as_ptr().cast(),
        graph_bytes: graph.len(),
        capability,
        workspace_bytes: WORKSPACE_BYTES,
        progress: tell,
        user: (&raw const watch).cast(),
    };
    let mut memory = std::ptr::null_mut();
    // Errors of earlier calls are discarded.
    let _ = errors();
    // SAFETY: the entry points are this library's, and `graph` and `watch` live until the call returns.
    let outcome = unsafe { (library.shim.build)(&request, &mut memory) };
    match outcome {
        0 => Ok(Memory::new(library, memory)),
        _ if watch.is_stopped() => Err(TensorRtError::Stopped),
        1 | 2 => Err(TensorRtError::Begin { library: library.name(), reason: errors() }),
        3 => Err(TensorRtError::Parse { graph: name, reason: errors() }),
        _ => Err(TensorRtError::Build { graph: name, target: target.name(), reason: errors() }),
    }
}

/// Passes a step to the build's report, and returns whether to go on: zero ends the build. The library calls this from
/// several threads.
unsafe extern "C" fn tell(user: *const c_void, phase: *const c_char, step: i32, steps: i32) -> i32 {
    // SAFETY: `user` is the watch of `build`, which lives until the build has ended and is shared by its threads.
    let watch = unsafe { &*user.cast::<Watch<'_>>() };
    // SAFETY: the library passes a text that ends with a zero and lives during the call.
    let phase = unsafe { CStr::from_ptr(phase) }.to_string_lossy();
    let count = |n: i32| usize::try_from(n).unwrap_or(0);
    let of = (step == 0 && steps > 0).then(|| count(steps));
    i32::from(watch.tell(Step { phase: &phase, done: count(step), of }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_and_only_those_a_library_knows_are_built() {
        let name = "Orin (nvgpu)".into();
        let orin = Target::Device(Gpu { name, capability: (8, 7), multiprocessors: 8, driver: (12, 2) });
        assert_eq!(orin.name(), "orin-nvgpu");
        let ada = Target::Capability(8, 9);
        assert_eq!((ada.name().as_str(), ada.capability(Kind::Rtx)), ("sm89", Ok(89)));
        for (kind, target) in [(Kind::Rtx, &orin), (Kind::TensorRt, &ada), (Kind::Rtx, &Target::Capability(8, 7))] {
            let error = target.capability(kind).unwrap_err();
            assert_eq!(error, TensorRtError::Target { library: kind.name(), target: target.name() });
        }
    }

    /// Steps reported by several threads at once, through the function that the library is given. Returns those that came
    /// through, and how many calls were told to go on.
    fn reported(last: usize) -> (Vec<(String, usize)>, usize) {
        const THREADS: i32 = 8;
        const STEPS: i32 = 500;
        let mut came = Vec::new();
        let mut report = |step: Step<'_>| {
            came.push((step.phase.to_owned(), step.done));
            came.len() < last
        };
        let watch = Watch::new(&mut report);
        let goes_on = std::thread::scope(|scope| {
            let threads = (0..THREADS).map(|thread| {
                let watch = &watch;
                scope.spawn(move || {
                    let phase = std::ffi::CString::new(format!("phase {thread}")).unwrap();
                    // SAFETY: watch and text live until the threads have ended.
                    let call = |step| unsafe { tell((&raw const *watch).cast(), phase.as_ptr(), step, 0) };
                    (0..STEPS).map(call).filter(|result| *result != 0).count()
                })
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let is_stopped = watch.is_stopped();
        assert_eq!(is_stopped, came.len() == last);
        (came, goes_on)
    }

    #[test]
    fn steps_of_several_threads_are_all_reported_until_the_build_is_stopped() {
        let (mut came, goes_on) = reported(usize::MAX);
        assert_eq!(goes_on, came.len());
        let in_order = came.clone();
        came.sort();
        let mut all: Vec<(String, usize)> =
            (0..8).flat_map(|thread| (0..500).map(move |step| (format!("phase {thread}"), step))).collect();
        all.sort();
        assert!(came == all, "{} steps came of {}", came.len(), all.len());
        for thread in 0..8 {
            let own = in_order.iter().filter(|(phase, _)| *phase == format!("phase {thread}")).map(|(_, done)| *done);
            assert!(own.eq(0..500), "the steps of a phase came in another order");
        }
        let (came, goes_on) = reported(100);
        assert_eq!((came.len(), goes_on), (100, 99), "nothing is reported after the stop, and every thread is told");
    }
}
