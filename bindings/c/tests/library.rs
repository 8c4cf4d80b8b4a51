//! What comes out of the C functions is what the library finds, bit for bit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../../../ci/c/case.rs"]
mod case;

use std::ffi::CString;
use std::mem::{MaybeUninit, offset_of};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

use case::{Case, SIDE, bits, golden_engine};
use crosscheck::{Arithmetic, Engine, Inspection, Inspector, OrganisedCloud, RgbdFrame};
use crosscheck_c::frame::Frame;
use crosscheck_c::inspect::{Outputs, crosscheck_inspect};
use crosscheck_c::inspector::{
    InspectorHandle, Properties, crosscheck_inspector_close, crosscheck_inspector_open, crosscheck_inspector_properties,
};
use crosscheck_c::options::{Options, Precision};
use crosscheck_c::results::{CROSSCHECK_MAP_PIXELS, Defect, InspectionResult, Kind, Reason, Verdict};
use crosscheck_c::status::Status;

fn opened(path: &Path, options: &Options) -> *mut InspectorHandle {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let (mut handle, mut text) = (null_mut(), [0; 1024]);
    // SAFETY: the path ends with a zero, and the others live longer than the call.
    let status =
        unsafe { crosscheck_inspector_open(path.as_ptr(), options, &raw mut handle, text.as_mut_ptr(), text.len()) };
    assert_eq!(status, Status::Ok);
    handle
}

/// The caller's memory for everything that a call writes.
struct Found {
    result: InspectionResult,
    maps: [Vec<f32>; 3],
    valid: Vec<u8>,
    defects: Vec<MaybeUninit<Defect>>,
}

fn inspected(handle: *mut InspectorHandle, case: &Case) -> Found {
    let map = || vec![f32::NAN; CROSSCHECK_MAP_PIXELS];
    let mut found = Found {
        result: InspectionResult::not_inspected(),
        maps: [map(), map(), map()],
        valid: vec![9; CROSSCHECK_MAP_PIXELS],
        defects: (0..16).map(|_| MaybeUninit::uninit()).collect(),
    };
    let frame = Frame {
        struct_size: size_of::<Frame>(),
        width: SIDE,
        height: SIDE,
        rgb: case.rgb.as_ptr(),
        rgb_stride: 0,
        xyz: case.xyz.as_ptr().cast(),
        xyz_stride: 0,
        depth: null(),
        depth_stride: 0,
        depth_width: 0,
        depth_height: 0,
        camera: null(),
        part: null(),
    };
    let [anomaly_map, psi_rgb, psi_xyz] = found.maps.each_mut().map(|map| map.as_mut_ptr());
    let outputs = Outputs {
        struct_size: size_of::<Outputs>(),
        map_size: CROSSCHECK_MAP_PIXELS,
        anomaly_map,
        psi_rgb,
        psi_xyz,
        valid: found.valid.as_mut_ptr(),
        defects: found.defects.as_mut_ptr().cast(),
        defect_size: size_of::<Defect>(),
        defects_max: found.defects.len(),
    };
    // SAFETY: everything lives longer than the call and has the size that is stated.
    let status = unsafe { crosscheck_inspect(handle, &raw const frame, &raw const outputs, &raw mut found.result) };
    assert_eq!(status, Status::Ok);
    found
}

fn compare(found: &Found, inspection: &Inspection) {
    let result = &found.result;
    let scores = inspection.outcome.scores().unwrap();
    assert_eq!(
        [result.score, result.reference_score].map(f32::to_bits),
        [scores.score, scores.reference].map(f32::to_bits)
    );
    assert_eq!((result.verdict, result.reason), (Verdict::Reject, Reason::None));
    let maps = &inspection.maps;
    for (found, map) in found.maps.iter().zip([&maps.anomaly_map, &maps.psi_rgb, &maps.psi_xyz]) {
        assert!(found.iter().map(|value| value.to_bits()).eq(map.iter().map(|value| value.to_bits())));
    }
    assert!(found.valid.iter().copied().eq(maps.valid.iter().map(|valid| u8::from(*valid))));
    assert_eq!(result.valid_pixels as usize, inspection.valid_pixels());
    let worst = inspection.defects.worst();
    assert!(!worst.is_empty());
    assert_eq!((result.defects as usize, result.defects_written as usize), (inspection.defects.count, worst.len()));
    for (found, defect) in found.defects.iter().zip(worst) {
        // SAFETY: the call has written as many.
        let found = unsafe { found.assume_init_ref() };
        assert_eq!((Some(found.score), found.at, Some(found.centre)), (defect.score, defect.at, defect.centre));
        assert_eq!(found.outline[..found.outline_points as usize], *defect.outline.points());
        assert_eq!(found.centre_mm[0].is_nan(), defect.centre_mm.is_none());
        assert_eq!(found.pixels as usize, defect.pixels);
        assert!(matches!(found.kind, Kind::Colour | Kind::Shape | Kind::Mismatch), "{:?}", found.kind);
    }
}

#[test]
fn c_gets_what_the_library_finds_in_two_precisions_and_with_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.safetensors");
    let case = Case::golden();
    golden_engine(&case).write(&path).unwrap();
    let cloud = OrganisedCloud::new(SIDE, SIDE, case.xyz.clone()).unwrap();
    let frame = RgbdFrame::new(SIDE, SIDE, case.rgb.clone(), cloud).unwrap();
    let mut seen = Vec::new();
    let ways = [(Precision::F32, Arithmetic::F32, &[0, 1, 3][..]), (Precision::F16, Arithmetic::F16, &[0])];
    for (precision, arithmetic, threads) in ways {
        let engine = Engine::read(&path).unwrap();
        let mut inspector = Inspector::on_machine(crosscheck::MachineChoice::Cpu, engine, arithmetic).unwrap();
        let inspection = inspector.inspect(&frame).unwrap();
        for &threads in threads {
            let handle = opened(&path, &Options { precision: precision as i32, threads, ..Options::defaults() });
            compare(&inspected(handle, &case), &inspection);
            // SAFETY: it is open, and not used any more.
            assert_eq!(unsafe { crosscheck_inspector_close(handle) }, Status::Ok);
        }
        seen.push(bits(&inspection));
    }
    assert_ne!(seen[0], seen[1], "the precision has no effect");
}

#[test]
fn an_inspector_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.safetensors");
    let case = Case::golden();
    let content = golden_engine(&case).write(&path).unwrap();
    let handle = opened(&path, &Options::defaults());
    let mut properties = MaybeUninit::<Properties>::zeroed();
    // SAFETY: the structure has its size as its first field, and lives longer than the calls.
    let properties = unsafe {
        properties.as_mut_ptr().cast::<usize>().write(size_of::<Properties>());
        assert_eq!(crosscheck_inspector_properties(handle, properties.as_mut_ptr()), Status::Ok);
        assert_eq!(crosscheck_inspector_close(handle), Status::Ok);
        properties.assume_init()
    };
    assert_eq!((properties.map_width, properties.map_height, properties.fitted_width), (224, 224, 0));
    assert_eq!(properties.threshold, case.score * 0.9);
    assert!(properties.review_threshold.is_nan());
    let hash: Vec<u8> = properties.content_sha256.iter().map(|digit| *digit as u8).collect();
    assert_eq!(hash, [content.as_bytes(), b"\0"].concat());
}

/// A change of these numbers breaks programs that are compiled already: a later version appends fields, and takes these sizes
/// as well.
#[test]
#[cfg(target_pointer_width = "64")]
fn structures_keep_their_layout() {
    let sizes = [
        size_of::<Options>(),
        size_of::<Properties>(),
        size_of::<Frame>(),
        size_of::<Outputs>(),
        size_of::<InspectionResult>(),
        size_of::<Defect>(),
    ];
    assert_eq!(sizes, [24, 104, 104, 72, 104, 320]);

    assert_eq!(offset_of!(Properties, content_sha256), 32);
    assert_eq!([offset_of!(Frame, rgb), offset_of!(Frame, depth), offset_of!(Frame, part)], [24, 56, 96]);
    assert_eq!([offset_of!(Outputs, valid), offset_of!(Outputs, defects_max)], [40, 64]);
    assert_eq!([offset_of!(InspectionResult, score), offset_of!(InspectionResult, total_ns)], [20, 64]);
    assert_eq!([offset_of!(Defect, bounds), offset_of!(Defect, outline)], [44, 64]);
}
