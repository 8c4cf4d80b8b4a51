//! The lens of a camera that gives range images, by what it says of itself.

use super::scan3d::Scan3d;
use crate::calibration::camera_file::{CameraFile, Grid, Provenance};
use crate::calibration::distortion::Distortion;
use crate::calibration::{self, Camera};

/// The camera's unit is a round number, but may be stored in single precision.
const UNIT_NEAR: f64 = 1e-4;

/// The camera file of a camera that gives a range image of a size, by what it says of itself.
pub fn camera_file(
    scan3d: &Scan3d,
    (width, height): (usize, usize),
    (depth_unit_m, depth_offset_m): (f64, f64),
) -> Result<CameraFile, String> {
    let Some(lens) = scan3d.lens else {
        return Err(
            "the camera gives distances, but not its lens (Scan3dFocalLength, Scan3dPrincipalPointU, Scan3dPrincipalPointV): give camera.genicam.camera_file, or set PixelFormat to one with points, such as Coord3D_ABC32f"
                .into(),
        );
    };
    let [cx, cy] = lens.principal_point;
    let file = CameraFile {
        depth_unit_m,
        depth_offset_m,
        grid: Grid::Colour,
        colour: calibration::Lens {
            width,
            height,
            fx: lens.focal_length,
            fy: lens.focal_length,
            cx,
            cy,
            distortion: Distortion::None,
            coefficients: Default::default(),
        },
        depth: None,
        depth_to_colour: None,
        provenance: Some(Provenance {
            source: "Scan3d features of the camera".into(),
            serial: None,
            reprojection_error_px: None,
        }),
    };
    file.check().map_err(|reason| format!("the camera's own Scan3d features are no calibration: {reason}"))
}

/// Refuses a camera file whose depth unit is not the camera's.
pub fn check_unit(camera: &Camera, scan3d: &Scan3d) -> Result<(), String> {
    let ((file_m, _), (own_m, _)) = (camera.depth_steps_m(), scan3d.steps_m());
    if !scan3d.told || (file_m / own_m - 1.0).abs() < UNIT_NEAR {
        return Ok(());
    }
    Err(format!(
        "depth_unit_m of the camera file is {file_m} where Scan3dCoordinateScale of the camera makes it {own_m}"
    ))
}
