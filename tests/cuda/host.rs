//! Compiles the kernels for the CPU and launches them.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;

use libloading::{Library, Symbol};

use crate::support::kernel_library::{self, Parts};

type LaunchFn = unsafe extern "C" fn(
    *const c_char,
    *const c_uint,
    *const c_uint,
    c_int,
    c_int,
    *mut *mut c_void,
    *const usize,
    usize,
) -> *const c_char;

/// The order in which the threads of a launch take their turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    Ascending,
    Descending,
    Shuffled,
}

pub const SCHEDULES: [Schedule; 3] = [Schedule::Ascending, Schedule::Descending, Schedule::Shuffled];

/// One argument of a kernel, by its bytes. A pointer keeps the slice that it was made of borrowed.
pub struct Argument<'a> {
    bytes: [u8; 8],
    size: usize,
    slice: PhantomData<&'a mut [u8]>,
}

impl Argument<'_> {
    fn new(value: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes[..value.len()].copy_from_slice(value);
        Self { bytes, size: value.len(), slice: PhantomData }
    }
}

pub fn int(value: usize) -> Argument<'static> {
    Argument::new(&i32::try_from(value).unwrap().to_le_bytes())
}

pub fn float(value: f32) -> Argument<'static> {
    Argument::new(&value.to_le_bytes())
}

pub fn input<T>(values: &[T]) -> Argument<'_> {
    Argument::new(&(values.as_ptr() as usize).to_le_bytes())
}

pub fn output<T>(values: &mut [T]) -> Argument<'_> {
    Argument::new(&(values.as_mut_ptr() as usize).to_le_bytes())
}

pub fn null() -> Argument<'static> {
    Argument::new(&0usize.to_le_bytes())
}

/// How many blocks of how many threads.
#[derive(Clone, Copy)]
pub struct Grid {
    pub blocks: [usize; 2],
    pub threads: usize,
    /// All blocks at once, as a cooperative launch.
    pub coresident: bool,
}

/// `blocks` of `threads` threads.
pub fn grid(blocks: usize, threads: usize) -> Grid {
    Grid { blocks: [blocks, 1], threads, coresident: false }
}

/// Blocks of `threads` threads, a thread for each of `items`.
pub fn one_each(items: usize, threads: usize) -> Grid {
    grid(items.div_ceil(threads), threads)
}

/// The compiled kernels.
pub struct Host {
    library: Library,
}

impl Host {
    /// Launches a kernel; an error says how it misused the machine.
    pub fn try_launch(
        &self,
        schedule: Schedule,
        kernel: &str,
        grid: Grid,
        arguments: &mut [Argument],
    ) -> Result<(), String> {
        let name = CString::new(kernel).unwrap();
        let blocks = grid.blocks.map(|n| n as c_uint);
        let sizes: Vec<usize> = arguments.iter().map(|a| a.size).collect();
        let mut pointers: Vec<*mut c_void> = arguments.iter_mut().map(|a| a.bytes.as_mut_ptr().cast()).collect();
        // SAFETY: the library was built from the sources in ci/cuda/host, where the function has this type. It checks
        // the arguments' count and sizes against the kernel's; that pointers lead to as much as the kernel touches is
        // what the tests are about, and `ci/cuda/check_kernels.py` checks with the sanitizer.
        unsafe {
            let launch: Symbol<LaunchFn> = self.library.get(b"cuda_host_launch").unwrap();
            let wrong = launch(
                name.as_ptr(),
                blocks.as_ptr(),
                &(grid.threads as c_uint),
                schedule as c_int,
                grid.coresident.into(),
                pointers.as_mut_ptr(),
                sizes.as_ptr(),
                sizes.len(),
            );
            if wrong.is_null() { Ok(()) } else { Err(CStr::from_ptr(wrong).to_string_lossy().into_owned()) }
        }
    }

    pub fn launch(&self, schedule: Schedule, kernel: &str, grid: Grid, arguments: &mut [Argument]) {
        let done = self.try_launch(schedule, kernel, grid, arguments);
        done.unwrap_or_else(|wrong| panic!("{kernel}, threads {schedule:?}: {wrong}"));
    }
}

/// What `run` gives, which must not depend on the order of threads.
pub fn in_every_schedule<T: PartialEq + Debug>(run: impl Fn(Schedule) -> T) -> T {
    let first = run(SCHEDULES[0]);
    for schedule in &SCHEDULES[1..] {
        // Not `assert_eq`: it would print both, and both are long.
        assert!(run(*schedule) == first, "the result with threads {schedule:?} is another than in ascending order");
    }
    first
}

/// The kernels; none where there is no g++.
pub fn host() -> Option<&'static Host> {
    static HOST: OnceLock<Option<Host>> = OnceLock::new();
    let host = HOST.get_or_init(build).as_ref();
    if host.is_none() {
        println!("not run: no g++");
    }
    host
}

fn build() -> Option<Host> {
    let kernels = std::env::var_os("CUDA_HOST_KERNELS").map(PathBuf::from);
    let kernels = kernels.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/cuda/kernels"));
    let more = std::env::var("CUDA_HOST_FLAGS").unwrap_or_default();
    let flags: Vec<&str> = std::iter::once("-O2").chain(more.split_whitespace()).collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let library = folder.path().join(format!("kernels-{}.so", process::id()));
    if !kernel_library::build(&Parts { kernels: &kernels, others: &[], flags: &flags }, &library) {
        return None;
    }
    // SAFETY: the library's start-up code is the C++ standard library's and tables of kernels.
    let library = unsafe { Library::new(&library) }.unwrap();
    Some(Host { library })
}
