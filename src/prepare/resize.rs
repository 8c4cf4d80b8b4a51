//! Square pad and resize to the network's H x W (section 4).

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::frame::OrganisedCloud;
use crate::shapes::{H, RGB, W};

/// How a frame lies in the square that it is padded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Square {
    pub side: usize,
    pub top: usize,
    pub left: usize,
}

impl Square {
    /// The frame in the middle; an odd pixel goes below or to the right.
    pub fn around(width: usize, height: usize) -> Self {
        let side = width.max(height);
        Self { side, top: (side - height) / 2, left: (side - width) / 2 }
    }
}

/// `[height, width, 3]` -> `[H, W, 3]`: padded by its edge, bicubic with antialiasing as Pillow's.
pub fn rgb(rgb: &[u8], width: usize, height: usize) -> Vec<u8> {
    let padded = pad_by_edge(rgb, width, height);
    let side = Square::around(width, height).side as u32;
    let Ok(source) = ImageRef::new(side, side, &padded, PixelType::U8x3) else {
        panic!("the padded image is a square")
    };
    let mut target = Image::new(W as u32, H as u32, PixelType::U8x3);
    // Pillow's bicubic has a = -1/2, which is Catmull and Rom's spline.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
    let resized = Resizer::new().resize(&source, &mut target, &options);
    assert!(resized.is_ok(), "both images have three bytes a pixel");
    target.into_vec()
}

fn pad_by_edge(rgb: &[u8], width: usize, height: usize) -> Vec<u8> {
    let square = Square::around(width, height);
    let mut out = Vec::with_capacity(square.side * square.side * RGB);
    for y in 0..square.side {
        let row = &rgb[y.saturating_sub(square.top).min(height - 1) * width * RGB..][..width * RGB];
        out.extend(row[..RGB].repeat(square.left));
        out.extend_from_slice(row);
        out.extend(row[row.len() - RGB..].repeat(square.side - square.left - width));
    }
    out
}

/// Organised cloud -> `[P]`: padded by missing points, nearest.
pub fn cloud(cloud: &OrganisedCloud) -> Vec<[f32; 3]> {
    nearest(cloud.points(), cloud.width(), cloud.height(), [0.0; 3])
}

/// `[height, width]` -> `[P]`: padded by `pad`, nearest, source index floor(i in / out).
pub fn nearest<T: Copy>(values: &[T], width: usize, height: usize, pad: T) -> Vec<T> {
    let square = Square::around(width, height);
    let axis =
        |i: usize, out: usize, lead: usize, len: usize| (i * square.side / out).checked_sub(lead).filter(|&s| s < len);
    let mut out = Vec::with_capacity(H * W);
    for i in 0..H {
        let y = axis(i, H, square.top, height);
        for j in 0..W {
            let x = axis(j, W, square.left, width);
            out.push(y.zip(x).map_or(pad, |(y, x)| values[y * width + x]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_colour_stays() {
        for (width, height) in [(1, 1), (224, 224), (300, 7), (3, 500)] {
            let out = rgb(&[10, 20, 30].repeat(width * height), width, height);
            assert_eq!(out, [10, 20, 30].repeat(H * W), "{width} x {height}");
        }
    }

    #[test]
    fn one_point_spreads_over_the_square() {
        let one = OrganisedCloud::new(1, 1, vec![[1.0, 2.0, 3.0]]).unwrap();
        assert!(cloud(&one).iter().all(|p| *p == [1.0, 2.0, 3.0]));
    }

    #[test]
    fn the_padding_has_no_points() {
        let wide = OrganisedCloud::new(448, 224, vec![[0.0, 0.0, 1.0]; 448 * 224]).unwrap();
        let out = cloud(&wide);
        assert_eq!(out.iter().filter(|p| p[2] != 0.0).count(), H / 2 * W);
        assert_eq!(out[0], [0.0; 3]);
    }
}
