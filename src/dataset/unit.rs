//! Units that clouds in files are written in.

/// The length in metres of the unit called `name`.
pub fn metres_of(name: &str) -> Result<f32, String> {
    let known = [("m", 1.0), ("cm", 1e-2), ("mm", 1e-3), ("0.1mm", 1e-4), ("um", 1e-6)];
    let found = known.iter().find(|(unit, _)| *unit == name).map(|(_, metres)| *metres);
    found.ok_or_else(|| format!("found {name:?} where one of {} is expected", known.map(|(unit, _)| unit).join(", ")))
}
