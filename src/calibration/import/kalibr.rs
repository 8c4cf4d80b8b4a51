//! Kalibr's `camchain.yaml`: cameras `cam0`, `cam1` and so on, each with its extrinsics from the one before it.

use super::fields::{self, Numbers};
use super::imagers::{Claim, Imager};
use super::types::{ImportedLens, LensRequest};
use crate::calibration::camera_file::Extrinsics;
use crate::calibration::distortion::{Distortion, of_five};
use crate::calibration::lens::Lens;
use crate::yaml::Node;

/// The extrinsics from the camera before, in homogeneous coordinates.
const WAY: &str = "T_cn_cnm1";

/// Cameras in the order of the chain.
pub struct Chain<'a>(Vec<Link<'a>>);

struct Link<'a> {
    number: usize,
    name: &'a str,
    node: &'a Node,
}

impl<'a> Chain<'a> {
    /// The cameras of a file that is a chain.
    pub fn of(root: &'a Node) -> Option<Self> {
        let number = |name: &str| name.strip_prefix("cam")?.parse::<usize>().ok();
        let link = |(name, node): (&'a str, &'a Node)| {
            let number = number(name).filter(|_| node.get("intrinsics").or(node.get("camera_model")).is_some())?;
            Some(Link { number, name, node })
        };
        let mut links: Vec<Link> = root.entries().filter_map(link).collect();
        links.sort_by_key(|link| link.number);
        (!links.is_empty()).then_some(Self(links))
    }

    pub fn lens(&self, asked: &LensRequest) -> Result<ImportedLens, String> {
        let Link { name, node, .. } = &self.0[self.place(asked.imager, asked.camera)?];
        let lens = lens(node).map_err(|reason| format!("{name}: {reason}"))?;
        if asked.size.is_some_and(|size| size != (lens.width, lens.height)) {
            return Err(format!("{name} is for {} x {}, another size than the one given", lens.width, lens.height));
        }
        let says = topic(node).and_then(|topic| {
            let by = format!("rostopic {topic:?} ({name})");
            Imager::of_name(topic).map(|imager| Claim { imager, by })
        });
        let part = format!("{name}{}", topic(node).map_or(String::new(), |topic| format!(" ({topic})")));
        Ok(ImportedLens {
            lens,
            reprojection_error_px: None,
            part: Some(part),
            says: says.into_iter().collect(),
            doubt: None,
        })
    }

    /// The extrinsics from the depth imager to the colour imager, and between which cameras they are.
    pub fn extrinsics(&self, depth: Option<&str>, colour: Option<&str>) -> Result<(Extrinsics, String), String> {
        let (from, to) = (self.place(Imager::Depth, depth)?, self.place(Imager::Colour, colour)?);
        let (first, last) = (from.min(to), from.max(to));
        if first == last {
            return Err(format!("{} cannot be both the colour and the depth imager", self.0[first].name));
        }
        let mut way = Extrinsics::IDENTITY;
        for pair in self.0[first..=last].windows(2) {
            let Link { number, name, node } = &pair[1];
            if *number != pair[0].number + 1 {
                return Err(format!(
                    "{name} tells the way from the camera before it, but {} comes before",
                    pair[0].name
                ));
            }
            let step = step(node).map_err(|reason| format!("{name}: {reason}"))?;
            way = way.then(&step);
        }
        let way = if from < to { way } else { way.inverse() };
        Ok((way, format!("from {} to {} by {WAY}", self.0[from].name, self.0[to].name)))
    }

    /// Which camera an imager is: the one that was named, or the only one whose topic says so.
    fn place(&self, imager: Imager, asked: Option<&str>) -> Result<usize, String> {
        let list = || {
            let one = |link: &Link| format!("{} ({})", link.name, topic(link.node).unwrap_or("no rostopic"));
            self.0.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let option = format!("--{}-camera", imager.name());
        if let Some(name) = asked {
            let found = self.0.iter().position(|link| link.name == name);
            return found.ok_or_else(|| format!("{option} is {name} where one of {} is expected", list()));
        }
        let says = |link: &Link| topic(link.node).and_then(Imager::of_name) == Some(imager);
        let said: Vec<usize> = (0..self.0.len()).filter(|i| says(&self.0[*i])).collect();
        match said[..] {
            [place] => Ok(place),
            _ => Err(format!(
                "which camera is the {} imager is not told: give {option}, one of {}",
                imager.name(),
                list()
            )),
        }
    }
}

fn topic(node: &Node) -> Option<&str> {
    node.get("rostopic")?.scalar()
}

fn numbers<'a>(node: &Node, name: &'a str) -> Result<Numbers<'a>, String> {
    fields::numbers(name, node.get(name).ok_or_else(|| fields::none_of(node, &[name]))?)
}

fn lens(node: &Node) -> Result<Lens, String> {
    let model = |name: &str, expected: &[&str]| match node.get(name).and_then(Node::scalar) {
        Some(model) if expected.contains(&model) => Ok(model),
        found => Err(format!(
            "its {name} is {:?} where {} is expected: calibrate with the models pinhole-radtan",
            found.unwrap_or_default(),
            expected[0]
        )),
    };
    model("camera_model", &["pinhole"])?;
    let coefficients = match model("distortion_model", &["radtan", "none"])? {
        "none" => [0.0; 4],
        _ => numbers(node, "distortion_coeffs")?.matrix(1, 4)?,
    };
    let [fx, fy, cx, cy] = numbers(node, "intrinsics")?.matrix(1, 4)?;
    let (width, height) = fields::size(node)?.ok_or_else(|| fields::none_of(node, &["resolution"]))?;
    let [k1, k2, p1, p2] = coefficients;
    let distortion = if coefficients == [0.0; 4] { Distortion::None } else { Distortion::BrownConrady };
    Ok(Lens { width, height, fx, fy, cx, cy, distortion, coefficients: of_five([k1, k2, p1, p2, 0.0]) })
}

/// From the camera before to this one.
fn step(node: &Node) -> Result<Extrinsics, String> {
    let rows: [f64; 16] = numbers(node, WAY)?.matrix(4, 4)?;
    if rows[12..] != [0.0, 0.0, 0.0, 1.0] {
        return Err(format!("the last row of {WAY} is {:?} where 0, 0, 0, 1 is expected", &rows[12..]));
    }
    let row = |row: usize| [0, 1, 2].map(|column| rows[4 * row + column]);
    Ok(Extrinsics { rotation: [0, 1, 2].map(row), translation_m: [rows[3], rows[7], rows[11]] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    /// Three imagers side by side: infrared, another infrared 50 mm to its right, colour 15 mm to the right of that and
    /// turned by a right angle about its axis. As Kalibr writes it.
    const CHAIN: &str = "cam0:
  cam_overlaps: [1, 2]
  camera_model: pinhole
  distortion_coeffs: [0.1, -0.2, 0.001, -0.002]
  distortion_model: radtan
  intrinsics: [420.5, 421.5, 424.25, 240.75]
  resolution: [848, 480]
  rostopic: /camera/infra1/image_rect_raw
cam1:
  T_cn_cnm1:
  - [1.0, 0.0, 0.0, -0.05]
  - [0.0, 1.0, 0.0, 0.0]
  - [0.0, 0.0, 1.0, 0.0]
  - [0.0, 0.0, 0.0, 1.0]
  cam_overlaps: [0, 2]
  camera_model: pinhole
  distortion_coeffs: [0.0, 0.0, 0.0, 0.0]
  distortion_model: radtan
  intrinsics: [420.5, 421.5, 424.25, 240.75]
  resolution: [848, 480]
  rostopic: /camera/infra2/image_rect_raw
cam2:
  T_cn_cnm1:
  - [0.0, 1.0, 0.0, 0.0]
  - [-1.0, 0.0, 0.0, 0.015]
  - [0.0, 0.0, 1.0, 0.001]
  - [0.0, 0.0, 0.0, 1.0]
  cam_overlaps: [0, 1]
  camera_model: pinhole
  distortion_coeffs: [0.01, 0.02, 0.0, 0.0]
  distortion_model: radtan
  intrinsics: [910.5, 911.5, 640.25, 360.75]
  resolution: [1280, 720]
  rostopic: /camera/color/image_raw
";

    fn lens_of(text: &str, imager: Imager, camera: Option<&str>) -> Result<ImportedLens, String> {
        let root = parse(text)?;
        Chain::of(&root).unwrap().lens(&LensRequest { imager, size: None, camera, camera_1: None })
    }

    fn way_of(text: &str, depth: Option<&str>, colour: Option<&str>) -> Result<Extrinsics, String> {
        let root = parse(text)?;
        Chain::of(&root).unwrap().extrinsics(depth, colour).map(|(way, _)| way)
    }

    #[test]
    fn cameras_of_a_chain_are_read() {
        let colour = lens_of(CHAIN, Imager::Colour, None).unwrap();
        assert_eq!(colour.part.as_deref(), Some("cam2 (/camera/color/image_raw)"));
        assert_eq!(colour.says[0].imager, Imager::Colour);
        let Lens { width, height, fx, fy, cx, cy, distortion, coefficients } = colour.lens;
        assert_eq!((width, height, fx, fy, cx, cy), (1280, 720, 910.5, 911.5, 640.25, 360.75));
        assert_eq!((distortion, coefficients), (Distortion::BrownConrady, of_five([0.01, 0.02, 0.0, 0.0, 0.0])));
        let depth = lens_of(CHAIN, Imager::Depth, Some("cam0")).unwrap().lens;
        assert_eq!(depth.coefficients, of_five([0.1, -0.2, 0.001, -0.002, 0.0]));
        assert_eq!(lens_of(CHAIN, Imager::Depth, Some("cam1")).unwrap().lens.distortion, Distortion::None);
    }

    #[test]
    fn the_way_goes_along_the_chain_and_back() {
        // By hand: from cam0 to cam1 to cam2.
        let moved = |[x, y, z]: [f64; 3]| [y, 0.015 - (x - 0.05), z + 0.001];
        let point = [0.1, -0.2, 0.7];
        let near = |a: [f64; 3], b: [f64; 3]| (0..3).all(|axis| (a[axis] - b[axis]).abs() < 1e-12);
        let way = way_of(CHAIN, Some("cam0"), None).unwrap();
        assert!(near(way.transform(point), moved(point)), "{way:?}");
        let back = way_of(CHAIN, Some("cam2"), Some("cam0")).unwrap();
        assert!(near(back.transform(moved(point)), point), "{back:?}");
        let one = way_of(CHAIN, Some("cam1"), Some("cam2")).unwrap();
        assert_eq!((one.translation_m, one.rotation[1]), ([0.0, 0.015, 0.001], [-1.0, 0.0, 0.0]));
    }

    #[test]
    fn which_camera_is_which_is_not_guessed() {
        let error = lens_of(CHAIN, Imager::Depth, None).unwrap_err();
        assert!(error.contains("--depth-camera") && error.contains("cam1 (/camera/infra2/image_rect_raw)"), "{error}");
        let mute = CHAIN.replace("/camera/color/image_raw", "/cam2/image_raw");
        assert!(lens_of(&mute, Imager::Colour, None).unwrap_err().contains("--colour-camera"));
        assert!(way_of(&mute, Some("cam0"), None).unwrap_err().contains("--colour-camera"));
        assert!(lens_of(&mute, Imager::Colour, Some("cam2")).unwrap().says.is_empty());
        let error = lens_of(CHAIN, Imager::Colour, Some("cam3")).unwrap_err();
        assert!(error.contains("cam3") && error.contains("cam0"), "{error}");
        assert!(way_of(CHAIN, Some("cam2"), None).unwrap_err().contains("both the colour and the depth imager"));
        // A way from a camera that was taken out leads from another one.
        let gap = CHAIN.replace("cam2:", "cam3:");
        let error = way_of(&gap, Some("cam0"), None).unwrap_err();
        assert!(error.contains("cam3 tells the way from the camera before it, but cam1 comes before"), "{error}");
    }

    #[test]
    fn what_is_not_pinhole_and_radtan_is_refused_by_name() {
        for (from, to, word) in [
            (
                "distortion_model: radtan",
                "distortion_model: equidistant",
                "cam0: its distortion_model is \"equidistant\"",
            ),
            ("distortion_model: radtan", "distortion_model: fov", "\"fov\""),
            ("camera_model: pinhole", "camera_model: omni", "cam0: its camera_model is \"omni\""),
            ("camera_model: pinhole", "camera_model: ds", "\"ds\""),
            ("  camera_model: pinhole\n", "", "camera_model is \"\""),
            ("[0.1, -0.2, 0.001, -0.002]", "[0.1, -0.2, 0.001, -0.002, 0.3]", "distortion_coeffs has 5 numbers"),
            ("[420.5, 421.5, 424.25, 240.75]", "[0.8, 420.5, 421.5, 424.25, 240.75]", "intrinsics has 5 numbers"),
            ("  resolution: [848, 480]\n", "", "none of resolution is there"),
            ("[848, 480]", "[848]", "resolution has 1 numbers"),
            ("[848, 480]", "[848, 0]", "848 x 0"),
            ("424.25", ".nan", "\".nan\""),
        ] {
            assert!(CHAIN.contains(from), "{from}");
            let error = lens_of(&CHAIN.replacen(from, to, 1), Imager::Depth, Some("cam0")).unwrap_err();
            assert!(error.contains(word), "{to}: {error}");
        }
        for (from, to, word) in [
            ("  - [0.0, 0.0, 0.0, 1.0]\n", "", "cam1: T_cn_cnm1 has 12 numbers of 3 x 4 where 16 of 4 x 4"),
            ("[0.0, 0.0, 0.0, 1.0]", "[0.0, 0.0, 0.0, 2.0]", "the last row of T_cn_cnm1"),
            ("  T_cn_cnm1:", "  T_cam_imu:", "cam1: none of T_cn_cnm1 is there"),
        ] {
            let error = way_of(&CHAIN.replacen(from, to, 1), Some("cam0"), None).unwrap_err();
            assert!(error.contains(word), "{to}: {error}");
        }
    }
}
