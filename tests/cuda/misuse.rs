//! The host that the kernels run on notices misuse: otherwise a test that passes would show little.

use crate::host::{Schedule, grid, host, input, output};

#[test]
fn a_launch_that_does_not_fit_is_refused() {
    let Some(host) = host() else { return };
    let launch = |kernel: &str, threads, arguments: &mut [_]| {
        host.try_launch(Schedule::Ascending, kernel, grid(1, threads), arguments).unwrap_err()
    };
    assert!(launch("no_such_kernel", 32, &mut []).contains("no_such_kernel"));
    let (map, mut score) = ([0.0f32; 4], [0.0f32]);
    assert!(launch("maximum", 32, &mut [input(&map)]).contains("parameters"));
    // Half a warp: the mask of the reduction names lanes that are not there.
    let map = vec![0.0f32; crosscheck::shapes::P];
    let wrong = launch("maximum", 16, &mut [input(&map), output(&mut score)]);
    assert!(wrong.contains("__reduce_max_sync") && wrong.contains("not there"), "{wrong}");
}
