//! What a camera says of its coordinates (Standard Features Naming Convention 2.7, chapter "3D Scan Control"), and what of
//! it cannot be used.

use super::features::Features;

/// Names of the features that are read here.
const MODE: &str = "Scan3dOutputMode";
const UNIT: &str = "Scan3dDistanceUnit";
const SYSTEM: &str = "Scan3dCoordinateSystem";
const REFERENCE: &str = "Scan3dCoordinateSystemReference";
const SELECTOR: &str = "Scan3dCoordinateSelector";

/// Distances are millimetres where a camera does not say.
const MILLIMETRE_M: f64 = 0.001;

/// How one coordinate is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// The coordinate is the stored value times this, plus the offset, in units of the camera.
    pub scale: f64,
    pub offset: f64,
    /// The stored value that stands for no point.
    pub invalid: Option<f64>,
}

impl Default for Axis {
    fn default() -> Self {
        Self { scale: 1.0, offset: 0.0, invalid: None }
    }
}

/// The lens of a range image, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    pub focal_length: f64,
    /// Column and row of the optical axis.
    pub principal_point: [f64; 2],
}

/// What a camera says of its coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan3d {
    /// A, B and C, which are x, y and z.
    pub axes: [Axis; 3],
    /// Metres of a unit of the camera.
    pub unit_m: f64,
    /// Whether it says anything of how C is stored.
    pub told: bool,
    pub lens: Option<Lens>,
}

impl Default for Scan3d {
    fn default() -> Self {
        Self { axes: [Axis::default(); 3], unit_m: MILLIMETRE_M, told: false, lens: None }
    }
}

impl Scan3d {
    /// Reads what the camera has. `turned`: the configuration says where C = 0 is, so that it need not be the camera.
    pub fn read(camera: &mut dyn Features, turned: bool) -> Result<Self, String> {
        let word = |camera: &dyn Features, name: &str| -> Result<Option<String>, String> {
            if camera.has(name) { camera.word(name).map(Some) } else { Ok(None) }
        };
        check_mode(word(camera, MODE)?.as_deref())?;
        let unit_m = match word(camera, UNIT)?.as_deref() {
            Some("Millimeter") => MILLIMETRE_M,
            Some("Inch") => 0.0254,
            Some(other) => return Err(format!("{UNIT} is {other} where Millimeter or Inch is expected")),
            None => MILLIMETRE_M,
        };
        if let Some(system) = word(camera, SYSTEM)?.filter(|system| system != "Cartesian") {
            return Err(format!("{SYSTEM} is {system} where Cartesian is expected"));
        }
        if let Some(reference) = word(camera, REFERENCE)?.filter(|reference| reference != "Anchor" && !turned) {
            return Err(format!(
                "{REFERENCE} is {reference}, so that C is no distance from the camera: set it to Anchor, or say where C = 0 is by camera.genicam.zero_plane_m"
            ));
        }
        let mut axes = [Axis::default(); 3];
        let told = camera.has("Scan3dCoordinateScale");
        for (axis, name) in axes.iter_mut().zip(["CoordinateA", "CoordinateB", "CoordinateC"]) {
            *axis = read_axis(camera, name)?;
        }
        Ok(Self { axes, unit_m, told, lens: read_lens(camera)? })
    }

    /// Metres of a stored step of C, and of step 0.
    pub fn steps_m(&self) -> (f64, f64) {
        let [.., c] = self.axes;
        (c.scale * self.unit_m, c.offset * self.unit_m)
    }
}

/// Refuses what is no calibrated grid of distances.
fn check_mode(mode: Option<&str>) -> Result<(), String> {
    let why = match mode {
        Some("UncalibratedC") => "its values are no distances",
        Some("DisparityC" | "DisparityC_Linescan") => "its values are disparities, not distances",
        Some("CalibratedABC_PointCloud") => "its points have no places in an image",
        _ => return Ok(()),
    };
    let mode = mode.unwrap_or_default();
    Err(format!("{MODE} is {mode}, and {why}: set it to CalibratedABC_Grid, RectifiedC or CalibratedC"))
}

fn read_axis(camera: &mut dyn Features, name: &str) -> Result<Axis, String> {
    let usual = Axis::default();
    if !camera.has("Scan3dCoordinateScale") && !camera.has("Scan3dInvalidDataFlag") {
        return Ok(usual);
    }
    // A camera of ranges alone may have no other coordinates to select.
    if camera.has(SELECTOR) && camera.select(SELECTOR, name).is_err() {
        return Ok(usual);
    }
    let number = |camera: &dyn Features, feature: &str, usual: f64| {
        let found = if camera.has(feature) { camera.number(feature)? } else { usual };
        if found.is_finite() { Ok(found) } else { Err(format!("{feature} of {name} is {found}, no number")) }
    };
    let scale = number(camera, "Scan3dCoordinateScale", usual.scale)?;
    if scale == 0.0 {
        return Err(format!("Scan3dCoordinateScale of {name} is 0, so that all values are the same"));
    }
    let offset = number(camera, "Scan3dCoordinateOffset", usual.offset)?;
    let flagged = camera.has("Scan3dInvalidDataFlag") && camera.switch("Scan3dInvalidDataFlag")?;
    // It may be no number: NaN is none anyway.
    let invalid = if flagged { Some(camera.number("Scan3dInvalidDataValue")?) } else { None };
    Ok(Axis { scale, offset, invalid })
}

/// None where the camera lacks one of them.
fn read_lens(camera: &dyn Features) -> Result<Option<Lens>, String> {
    const NAMES: [&str; 3] = ["Scan3dFocalLength", "Scan3dPrincipalPointU", "Scan3dPrincipalPointV"];
    if !NAMES.iter().all(|name| camera.has(name)) {
        return Ok(None);
    }
    let [focal_length, u, v] = NAMES.map(|name| camera.number(name));
    let lens = Lens { focal_length: focal_length?, principal_point: [u?, v?] };
    if lens.focal_length > 0.0 && lens.focal_length.is_finite() {
        return Ok(Some(lens));
    }
    Err(format!("Scan3dFocalLength is {} where a positive number of pixels is expected", lens.focal_length))
}

#[cfg(test)]
mod tests {
    use super::super::features::tests::Table;
    use super::super::features::{Kind, Value};
    use super::*;

    fn words(of: &[(&str, &str)]) -> Table {
        let mut table = Table::default();
        of.iter().for_each(|(name, word)| table.add(name, Kind::Word { known: vec![] }, Value::Word((*word).into())));
        table
    }

    fn with_numbers(mut table: Table) -> Table {
        let number = Kind::Number { range: (-1e9, 1e9), unit: None };
        for (name, value) in
            [("Scan3dCoordinateScale", 0.1), ("Scan3dCoordinateOffset", 50.0), ("Scan3dInvalidDataValue", 0.0)]
        {
            table.add(name, number.clone(), Value::Number(value));
        }
        table.add("Scan3dInvalidDataFlag", Kind::Switch, Value::Switch(true));
        for (name, value) in
            [("Scan3dFocalLength", 900.0), ("Scan3dPrincipalPointU", 320.0), ("Scan3dPrincipalPointV", 240.0)]
        {
            table.add(name, number.clone(), Value::Number(value));
        }
        table
    }

    #[test]
    fn a_cameras_own_parameters_are_read() {
        let mut camera = with_numbers(words(&[
            (MODE, "CalibratedABC_Grid"),
            (UNIT, "Inch"),
            (SYSTEM, "Cartesian"),
            (REFERENCE, "Anchor"),
            (SELECTOR, "CoordinateA"),
        ]));
        let found = Scan3d::read(&mut camera, false).unwrap();
        assert_eq!(found.axes, [Axis { scale: 0.1, offset: 50.0, invalid: Some(0.0) }; 3]);
        assert_eq!(found.lens, Some(Lens { focal_length: 900.0, principal_point: [320.0, 240.0] }));
        let (step, first) = found.steps_m();
        assert!((step - 0.00254).abs() < 1e-12 && (first - 1.27).abs() < 1e-12 && found.told);
        assert_eq!(camera.value(SELECTOR), Value::Word("CoordinateC".into()));
    }

    #[test]
    fn a_camera_that_says_nothing_has_millimetres() {
        assert_eq!(Scan3d::read(&mut words(&[]), false), Ok(Scan3d::default()));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        for (name, word) in [
            (MODE, "UncalibratedC"),
            (MODE, "DisparityC"),
            (MODE, "CalibratedABC_PointCloud"),
            (UNIT, "Pixel"),
            (SYSTEM, "Spherical"),
            (REFERENCE, "Transformed"),
        ] {
            let error = Scan3d::read(&mut words(&[(name, word)]), false).unwrap_err();
            assert!(error.contains(name) && error.contains(word), "{error}");
        }
        assert!(Scan3d::read(&mut words(&[(REFERENCE, "Transformed")]), true).is_ok());
        let mut flat = with_numbers(words(&[]));
        flat.add("Scan3dCoordinateScale", Kind::Switch, Value::Number(0.0));
        assert!(Scan3d::read(&mut flat, false).unwrap_err().contains("Scan3dCoordinateScale"));
    }
}
