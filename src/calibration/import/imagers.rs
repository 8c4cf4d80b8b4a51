//! The imager that a calibration belongs to, by the names in it.

use super::fields;
use crate::yaml::Node;

/// Which imager a file is read for: a stereo calibration holds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imager {
    Depth,
    Colour,
}

crate::words::words!(Imager {
    Depth = "depth",
    Colour = "colour",
});

impl Imager {
    pub fn other(self) -> Self {
        match self {
            Self::Depth => Self::Colour,
            Self::Colour => Self::Depth,
        }
    }

    /// The imager that a name such as `camera_depth_optical_frame` contains: the last one, since
    /// `aligned_depth_to_color` is seen through the colour imager's lens.
    pub fn of_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let words = lower.rsplit(|c: char| !c.is_ascii_alphanumeric());
        words.map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).find_map(|word| match word {
            "color" | "colour" | "rgb" => Some(Self::Colour),
            "depth" | "ir" | "infra" | "infrared" | "tof" => Some(Self::Depth),
            _ => None,
        })
    }
}

/// The imager that a file claims to belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub imager: Imager,
    /// The name that claims it, such as `frame_id "camera_depth_optical_frame"`.
    pub by: String,
}

/// The claims of the names in a file of one lens.
pub fn claims(root: &Node) -> Result<Vec<Claim>, String> {
    let mut claims = Vec::new();
    for of in [Some(root), root.get("header")].into_iter().flatten() {
        for names in [["frameid"], ["cameraname"], ["rostopic"]] {
            if let Some((key, text)) = fields::text(of, &names)? {
                claims.extend(Imager::of_name(text).map(|imager| Claim { imager, by: format!("{key} {text:?}") }));
            }
        }
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_imagers_are_understood() {
        use Imager::{Colour, Depth};
        for (name, imager) in [
            ("camera_color_optical_frame", Some(Colour)),
            ("camera_depth_optical_frame", Some(Depth)),
            ("/camera/infra1/image_rect_raw", Some(Depth)),
            ("rgb_camera_link", Some(Colour)),
            ("kinect2_ir_optical_frame", Some(Depth)),
            ("depth_PS1080_PrimeSense", Some(Depth)),
            ("/camera/aligned_depth_to_color/image_raw", Some(Colour)),
            ("depth_camera_rgb_optical_frame", Some(Colour)),
            ("/cam0/image_raw", None),
            ("oak_right_camera_optical_frame", None),
            ("rgbd_camera", None),
            ("first_camera", None),
            ("", None),
        ] {
            assert_eq!(Imager::of_name(name), imager, "{name}");
        }
    }
}
