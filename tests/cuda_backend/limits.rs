//! The stand-in's limits are those of a driver and of the GPU that it plays.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use crate::misuse::{COOPERATIVE_TOO_LARGE, Current, Driver, Handle, INVALID_VALUE, OfTwo, SUCCESS, ptx};
use crate::standin::{is_here, run_part};

const INVALID_CONTEXT: c_int = 201;
const UNSUPPORTED_PTX_VERSION: c_int = 222;
const CONTEXT_IS_DESTROYED: c_int = 709;
const P: usize = crosscheck::shapes::P;

/// The results of calls of each kind that need a context.
fn calls(driver: &Driver, kernel: Handle, event: Handle, memory: u64) -> Vec<c_int> {
    type Load = unsafe extern "C" fn(*mut Handle, *const c_char) -> c_int;
    type Allocate = unsafe extern "C" fn(*mut u64, usize, Handle) -> c_int;
    type Fill = unsafe extern "C" fn(u64, u8, usize, Handle) -> c_int;
    type Copy = unsafe extern "C" fn(*mut c_void, u64, usize, Handle) -> c_int;
    type Pinned = unsafe extern "C" fn(*mut Handle, usize, u32) -> c_int;
    type Make = unsafe extern "C" fn(*mut Handle, u32) -> c_int;
    type Info = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;
    type Begin = unsafe extern "C" fn(Handle, c_int) -> c_int;
    let (stream, mut made, mut word, mut sizes) = (driver.stream, null_mut(), 0u64, [0usize; 2]);
    vec![
        driver.result::<Load>("cuModuleLoadData", |f| unsafe { f(&mut made, c".version 7.0".as_ptr()) }),
        driver.result::<Make>("cuStreamCreate", |f| unsafe { f(&mut made, 1) }),
        driver.result::<Make>("cuEventCreate", |f| unsafe { f(&mut made, 0) }),
        driver.result::<Allocate>("cuMemAllocAsync", |f| unsafe { f(&mut word, 4, stream) }),
        driver.result::<Pinned>("cuMemHostAlloc", |f| unsafe { f(&mut made, 4, 0) }),
        driver.result::<Fill>("cuMemsetD8Async", |f| unsafe { f(memory, 0, 4, stream) }),
        driver.result::<Copy>("cuMemcpyDtoHAsync_v2", |f| unsafe { f((&raw mut word).cast(), memory, 4, stream) }),
        driver.result::<OfTwo>("cuEventRecord", |f| unsafe { f(event, stream) }),
        driver.result::<Begin>("cuStreamBeginCapture_v2", |f| unsafe { f(stream, 1) }),
        driver.result::<OfTwo>("cuStreamEndCapture", |f| unsafe { f(stream, (&raw mut made).cast()) }),
        driver.result::<Info>("cuMemGetInfo_v2", |f| unsafe { f(&mut sizes[0], &mut sizes[1]) }),
        driver.launch(kernel, 1, 1024, false, &[memory, memory]),
        driver.synchronize(),
    ]
}

#[test]
#[ignore = "a part of calls_without_a_current_context_are_refused"]
fn contexts() {
    if !is_here() {
        return;
    }
    let driver = Driver::open();
    let (kernel, event, memory) =
        (driver.kernel("anomaly", "maximum"), driver.create("cuEventCreate"), driver.memory(P * 4));
    let own = calls(&driver, kernel, event, memory);
    assert!(own.iter().all(|result| *result == SUCCESS), "{own:?}");
    let elsewhere = std::thread::spawn(|| Driver::library().synchronize_context()).join().unwrap();
    assert_eq!(elsewhere, INVALID_CONTEXT, "another thread has no context of its own");
    driver.call::<Current>("cuCtxSetCurrent", |f| unsafe { f(null_mut()) });
    let without = calls(&driver, kernel, event, memory);
    assert!(without.iter().all(|result| *result == INVALID_CONTEXT), "{without:?}");
    let context = driver.retain();
    driver.call::<Current>("cuCtxSetCurrent", |f| unsafe { f(context) });
    for _ in 0..2 {
        driver.call::<unsafe extern "C" fn(c_int) -> c_int>("cuDevicePrimaryCtxRelease_v2", |f| unsafe { f(0) });
    }
    let released = calls(&driver, kernel, event, memory);
    assert!(released.iter().all(|result| *result == CONTEXT_IS_DESTROYED), "{released:?}");
}

#[test]
fn calls_without_a_current_context_are_refused() {
    let Some(run) = run_part("limits::contexts", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
}

#[test]
#[ignore = "a part of shared_memory_beyond_48_kb_must_be_asked_for"]
fn shared_memory() {
    if !is_here() {
        return;
    }
    let most: u32 = std::env::var("SHARED_BYTES_OF_BLOCK").unwrap().parse().unwrap();
    let driver = Driver::open();
    let kernel = driver.kernel("anomaly", "maximum");
    // The kernel has 128 bytes of its own.
    let own = 128;
    let (map, score) = (driver.memory(P * 4), driver.memory(4));
    let launch = |bytes: u32| driver.launch_with(kernel, (1, 1024, bytes), false, &[map, score]);
    let ask = |bytes: u32| {
        driver.result::<unsafe extern "C" fn(Handle, c_int, c_int) -> c_int>("cuFuncSetAttribute", |f| unsafe {
            f(kernel, 8, bytes as c_int)
        })
    };
    assert_eq!([launch((48 << 10) - own), launch((48 << 10) - own + 1)], [SUCCESS, INVALID_VALUE]);
    assert_eq!([ask(60_000), launch(60_000), launch(60_001)], [SUCCESS, SUCCESS, INVALID_VALUE]);
    assert_eq!([ask(most - own), launch(most - own), ask(most - own + 1)], [SUCCESS, SUCCESS, INVALID_VALUE]);
}

#[test]
fn shared_memory_beyond_48_kb_must_be_asked_for() {
    for (capability, kilobytes) in [("80", 163), ("86", 99), ("87", 163), ("89", 99), ("90", 227), ("120", 99)] {
        let most = (kilobytes << 10).to_string();
        let environment = [("STANDIN_CAPABILITY", capability), ("SHARED_BYTES_OF_BLOCK", &most)];
        let Some(run) = run_part("limits::shared_memory", &environment) else { return };
        assert!(run.output.status.success(), "{capability}: {}", run.printed());
    }
}

#[test]
#[ignore = "a part of blocks_that_wait_for_each_other_must_be_resident_together"]
fn resident() {
    if !is_here() {
        return;
    }
    let processors: u32 = std::env::var("STANDIN_PROCESSORS").unwrap().parse().unwrap();
    let driver = Driver::open();
    let kernel = driver.kernel("sampling", "farthest_points");
    let memory = driver.memory(P * 16);
    let launch = |blocks, shared| driver.launch_with(kernel, (blocks, 512, shared), true, &[memory; 7]);
    // A block has 512 threads, whose registers fill a multiprocessor.
    assert_eq!(launch(processors + 1, 0), COOPERATIVE_TOO_LARGE);
    assert_eq!(launch(processors, 0), SUCCESS);
}

#[test]
fn blocks_that_wait_for_each_other_must_be_resident_together() {
    for processors in ["4", "16", "128"] {
        let Some(run) = run_part("limits::resident", &[("STANDIN_PROCESSORS", processors)]) else { return };
        assert!(run.output.status.success(), "{processors}: {}", run.printed());
    }
}

#[test]
#[ignore = "a part of ptx_that_is_newer_than_the_driver_is_refused"]
fn versions() {
    if !is_here() {
        return;
    }
    let newest: usize = std::env::var("PTX_VERSION_MAX").unwrap().parse().unwrap();
    let driver = Driver::open();
    let (head, tail) = ptx("anomaly").split_once(".version ").map(|(a, b)| (a.to_owned(), b[3..].to_owned())).unwrap();
    let load = |version: usize| driver.module(&format!("{head}.version {}.{}{tail}", version / 10, version % 10));
    assert!([70, newest].into_iter().all(|version| load(version).is_ok()), "{newest}");
    assert_eq!(load(newest + 1), Err(UNSUPPORTED_PTX_VERSION));
}

#[test]
fn ptx_that_is_newer_than_the_driver_is_refused() {
    for (driver, newest) in [
        ("11040", "74"),
        ("12000", "80"),
        ("12020", "82"),
        ("12040", "84"),
        ("12050", "85"),
        ("12060", "85"),
        ("12080", "87"),
        ("12090", "88"),
    ] {
        let environment = [("STANDIN_DRIVER", driver), ("PTX_VERSION_MAX", newest)];
        let Some(run) = run_part("limits::versions", &environment) else { return };
        assert!(run.output.status.success(), "{driver}: {}", run.printed());
    }
}
