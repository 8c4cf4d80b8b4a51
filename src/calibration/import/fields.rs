//! What a calibration names, and the numbers under it, however it is spelt.

use crate::frame::SIDE_MAX;
use crate::yaml::Node;

/// Keys of a file that an error lists.
const LISTED_MAX: usize = 12;
/// OpenCV's mark of numbers that it wrote as Base64.
const BASE64: &str = "$base64$";

/// The numbers under a name; rows and columns where the file tells them.
pub struct Numbers<'a> {
    pub name: &'a str,
    pub values: Vec<f64>,
    pub shape: Option<(usize, usize)>,
    /// Whether they stand as a list under the name itself.
    pub bare: bool,
}

/// `distortion_coefficients` is spelt `distortionCoefficients` and `Distortion_Coefficients` too.
fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The value under the first of `names` that the file has; they are given as [`plain`] writes them. Two names with
/// different values are refused.
pub fn find<'a>(root: &'a Node, names: &[&str]) -> Result<Option<(&'a str, &'a Node)>, String> {
    find_where(root, names, |_| true)
}

/// [`find`] for numbers only: `distortion: plumb_bob` names a model, `k1: -0.2` is one coefficient.
pub fn find_numbers<'a>(root: &'a Node, names: &[&str]) -> Result<Option<Numbers<'a>>, String> {
    let found = find_where(root, names, |node| node.scalar().is_none_or(|text| text.starts_with(BASE64)))?;
    found.map(|(name, node)| numbers(name, node)).transpose()
}

fn find_where<'a>(
    root: &'a Node,
    names: &[&str],
    counts: impl Fn(&Node) -> bool,
) -> Result<Option<(&'a str, &'a Node)>, String> {
    let of_name = |name: &&str| root.entries().filter(|(key, _)| plain(key) == *name).collect::<Vec<_>>();
    let found: Vec<(&str, &Node)> = names.iter().flat_map(of_name).filter(|(_, node)| counts(node)).collect();
    match found.iter().find(|(_, node)| *node != found[0].1) {
        Some((other, _)) => {
            Err(format!("{} and {other} differ where one is expected: leave out the other", found[0].0))
        }
        None => Ok(found.first().copied()),
    }
}

/// Reads the numbers of a sequence, of a sequence of rows, or of `data` with `rows` and `cols`.
pub fn numbers<'a>(name: &'a str, node: &Node) -> Result<Numbers<'a>, String> {
    let told = |key: &str| node.get(key).map(|of| count(&format!("{key} of {name}"), of)).transpose();
    match (node, node.get("data")) {
        (Node::Mapping(_), Some(Node::Scalar(_))) | (Node::Scalar(_), _) if is_base64(node) => Err(format!(
            "{name} is Base64 where numbers are expected: have OpenCV write it without FileStorage::BASE64"
        )),
        (Node::Mapping(_), Some(data)) => {
            let shape = told("rows")?.zip(told("cols")?);
            let values = numbers(name, data)?.values;
            match shape {
                Some((rows, columns)) if rows * columns != values.len() => Err(format!(
                    "{name} has {} numbers where its {rows} rows and {columns} columns need {}",
                    values.len(),
                    rows * columns
                )),
                _ => Ok(Numbers { name, values, shape, bare: false }),
            }
        }
        (Node::Sequence(rows), _) if rows.iter().any(|row| row.sequence().is_some()) => {
            let of_row = |row: &Node| numbers(name, row).map(|row| row.values);
            let values: Vec<Vec<f64>> = rows.iter().map(of_row).collect::<Result<_, _>>()?;
            let width = values[0].len();
            if values.iter().any(|row| row.len() != width) {
                return Err(format!("{name} has rows of different lengths"));
            }
            Ok(Numbers { name, shape: Some((values.len(), width)), values: values.concat(), bare: false })
        }
        (Node::Sequence(list), _) => {
            let values = list.iter().map(|node| number(name, node)).collect::<Result<_, _>>()?;
            Ok(Numbers { name, values, shape: None, bare: true })
        }
        (Node::Scalar(text), _) => Err(format!("{name} is {text:?} where numbers are expected")),
        (Node::Mapping(_), None) => {
            let keys = node.entries().map(|(key, _)| key).take(LISTED_MAX).collect::<Vec<_>>().join(", ");
            Err(format!("{name} has {keys} where numbers or data are expected"))
        }
    }
}

impl Numbers<'_> {
    /// The numbers of a matrix, row by row.
    pub fn matrix<const N: usize>(&self, rows: usize, columns: usize) -> Result<[f64; N], String> {
        let told = self.shape.is_none_or(|shape| shape == (rows, columns));
        match self.values[..].try_into() {
            Ok(values) if told => Ok(values),
            _ => Err(self.unlike(&format!("{} of {rows} x {columns}", rows * columns))),
        }
    }

    /// The numbers of a row or a column whose length is one of `lengths`.
    pub fn vector(&self, lengths: &[usize]) -> Result<&[f64], String> {
        let long = self.shape.is_none_or(|(rows, columns)| rows.min(columns) <= 1);
        if long && lengths.contains(&self.values.len()) {
            return Ok(&self.values);
        }
        let lengths: Vec<String> = lengths.iter().filter(|n| **n > 0).map(usize::to_string).collect();
        let expected = match lengths.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            _ => lengths.concat(),
        };
        Err(self.unlike(&expected))
    }

    fn unlike(&self, expected: &str) -> String {
        let shape = self.shape.map_or(String::new(), |(rows, columns)| format!(" of {rows} x {columns}"));
        format!("{} has {} numbers{shape} where {expected} are expected", self.name, self.values.len())
    }
}

/// Whether the numbers are Base64, as OpenCV writes them on request: with a mark in a JSON file, as a text alone in a
/// YAML file.
fn is_base64(node: &Node) -> bool {
    match node.get("data").unwrap_or(node) {
        Node::Scalar(text) => text.starts_with(BASE64) || node.scalar().is_none(),
        _ => false,
    }
}

fn number(name: &str, node: &Node) -> Result<f64, String> {
    let text = node.scalar().unwrap_or("a mapping");
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{name} has {text:?} where a number is expected")),
    }
}

/// A side of an image, or of a matrix.
fn count(name: &str, node: &Node) -> Result<usize, String> {
    let text = node.scalar().unwrap_or("no number");
    match text.parse() {
        Ok(count) if count <= SIDE_MAX => Ok(count),
        _ => Err(format!("{name} is {text:?} where 0 to {SIDE_MAX} are expected")),
    }
}

/// The image's width and height, where the file tells them.
pub fn size(root: &Node) -> Result<Option<(usize, usize)>, String> {
    let both = ["imagesize", "cameraresolution", "imageresolution", "resolution"];
    let side = |names: [&str; 2]| find(root, &names)?.map(|(name, node)| count(name, node)).transpose();
    let sides = match (side(["imagewidth", "width"])?, side(["imageheight", "height"])?) {
        (Some(width), Some(height)) => Some((width, height)),
        _ => match find_numbers(root, &both)? {
            Some(found) => {
                let sides = found.vector(&[2])?;
                if sides.iter().any(|side| side.fract() != 0.0) {
                    return Err(format!("{} is {sides:?} where whole pixels are expected", found.name));
                }
                Some((sides[0] as usize, sides[1] as usize))
            }
            None => None,
        },
    };
    match sides {
        Some((width, height)) if [width, height].iter().any(|side| !(1..=SIDE_MAX).contains(side)) => {
            Err(format!("its image is {width} x {height} where 1 to {SIDE_MAX} pixels a side are expected"))
        }
        sides => Ok(sides),
    }
}

/// A text under one of `names`.
pub fn text<'a>(root: &'a Node, names: &[&str]) -> Result<Option<(&'a str, &'a str)>, String> {
    Ok(find(root, names)?.and_then(|(name, node)| Some((name, node.scalar()?))))
}

/// The error that a file has none of `names`, with the names that it has.
pub fn none_of(root: &Node, names: &[&str]) -> String {
    let mut keys: Vec<&str> = root.entries().map(|(key, _)| key).take(LISTED_MAX + 1).collect();
    if keys.len() > LISTED_MAX {
        keys[LISTED_MAX] = "...";
    }
    let has = if keys.is_empty() { "it has no names at all".into() } else { format!("it has {}", keys.join(", ")) };
    format!("none of {} is there: {has}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn a_matrix_is_read_in_every_form() {
        for text in [
            "Camera_Matrix: [[1, 2], [3, 4]]",
            "camera_matrix: [1, 2, 3, 4]",
            "cameraMatrix: !!opencv-matrix\n   rows: 2\n   cols: 2\n   dt: d\n   data: [ 1., 2., 3., 4. ]",
            "camera_matrix: {data: [1, 2, 3, 4]}",
            "{\"camera_matrix\": {\"type_id\": \"opencv-matrix\", \"rows\": 2, \"cols\": 2, \"data\": [1, 2, 3, 4.0]}}",
            "k: [[1, 2], [3, 4]]\ncamera_matrix: [[1, 2], [3, 4]]",
        ] {
            let root = parse(text).unwrap();
            let found = find_numbers(&root, &["cameramatrix", "k"]).unwrap().unwrap();
            assert_eq!(found.matrix(2, 2), Ok([1.0, 2.0, 3.0, 4.0]), "{text}");
        }
    }

    #[test]
    fn what_is_no_matrix_is_named() {
        for (text, word) in [
            ("k: [1, 2, 3]", "k has 3 numbers where 4 of 2 x 2 are expected"),
            ("k: {rows: 4, cols: 1, data: [1, 2, 3, 4]}", "k has 4 numbers of 4 x 1 where 4 of 2 x 2"),
            ("k: {rows: 2, cols: 3, data: [1, 2, 3, 4]}", "its 2 rows and 3 columns need 6"),
            ("k: {rows: -2, cols: 2, data: [1, 2, 3, 4]}", "rows of k is \"-2\""),
            ("k: [[1, 2], [3]]", "rows of different lengths"),
            ("k: [[1, 2], 3]", "k is \"3\""),
            ("k: [[], []]", "0 numbers"),
            ("k: []", "0 numbers"),
            ("k: [1, 2, nan, 4]", "\"nan\" where a number is expected"),
            ("k: [1, 2, .Inf, 4]", "\".Inf\""),
            ("k: [1, 2, {a: 1}, 4]", "a mapping"),
            ("k: {x: 0, y: 0, z: 0, w: 1}", "k has w, x, y, z where numbers or data are expected"),
            ("k: \"$base64$Mi4w\"", "Base64"),
            ("k: {rows: 2, cols: 2, data: \"$base64$Mi4w\"}", "Base64"),
            ("k: !!opencv-matrix\n   rows: 2\n   cols: 2\n   data: !!binary |\n      MWQgICAg\n      Mi4w\n", "Base64"),
            ("k: [1, 2, 3, 4]\nK: [1, 2, 3, 5]", "differ"),
        ] {
            let root = parse(text).unwrap();
            let found = find_numbers(&root, &["k"]).and_then(|found| found.unwrap().matrix::<4>(2, 2));
            let error = found.unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(find_numbers(&parse("k: plumb_bob").unwrap(), &["k"]).unwrap().is_none());
    }

    #[test]
    fn a_size_is_found_by_each_name() {
        for text in [
            "image_width: 640\nimage_height: 480",
            "width: 640\nheight: 480",
            "image_Size: [640, 480]",
            "resolution: [640, 480]",
        ] {
            assert_eq!(size(&parse(text).unwrap()), Ok(Some((640, 480))), "{text}");
        }
        assert_eq!(size(&parse("width: 640").unwrap()), Ok(None));
        for text in [
            "width: 0\nheight: 4",
            "resolution: [0, 3]",
            "resolution: [-1, 3]",
            "resolution: [64.5, 3]",
            "width: 99999\nheight: 4",
            "width: 64.5\nheight: 4",
            "resolution: [1, 2, 3]",
        ] {
            assert!(size(&parse(text).unwrap()).is_err(), "{text}");
        }
    }
}
