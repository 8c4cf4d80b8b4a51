//! Pixel formats of GenICam by their names and numbers (Pixel Format Naming Convention 2.4, `PFNC.h`), and what is in
//! those that can be taken.

use std::fmt;

use super::bayer::Tile;

/// A format by its number, as a camera sends it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat(pub u32);

/// What an image of a format shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Colour(Colour),
    Depth(Depth),
    Confidence(Confidence),
}

/// How colour or intensity is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Mono8,
    /// So many bits in the low ones of two bytes, little-endian.
    Mono(u32),
    Rgb8,
    Bgr8,
    Bayer8(Tile),
    /// Two pixels share their chroma; BT.601 from 0 to 255.
    Yuv422(Order),
    /// The same, luma first, from 16 to 235 and 240.
    Limited422,
}

/// Which byte of a pair of pixels comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    LumaFirst,
    ChromaFirst,
}

/// Which coordinates a pixel has, and how they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The distance alone.
    C16,
    C32f,
    /// Across and away: the points of a line.
    Ac16,
    Ac32f,
    Abc16,
    Abc32f,
}

/// How sure a camera is of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// One byte: its lowest bit, or all of it.
    Byte,
    Two,
}

/// Name, number and content of every format that can be taken.
const KNOWN: [(&str, u32, Content); 24] = {
    use Colour::{Bayer8, Bgr8, Limited422, Mono, Mono8, Rgb8, Yuv422};
    use Content::{Colour as C, Confidence as M, Depth as D};
    use Order::{ChromaFirst, LumaFirst};
    [
        ("RGB8", 0x0218_0014, C(Rgb8)),
        ("BGR8", 0x0218_0015, C(Bgr8)),
        ("BayerGR8", 0x0108_0008, C(Bayer8(Tile::Grbg))),
        ("BayerRG8", 0x0108_0009, C(Bayer8(Tile::Rggb))),
        ("BayerGB8", 0x0108_000A, C(Bayer8(Tile::Gbrg))),
        ("BayerBG8", 0x0108_000B, C(Bayer8(Tile::Bggr))),
        ("YUV422_8", 0x0210_0032, C(Yuv422(LumaFirst))),
        ("YUV422_8_UYVY", 0x0210_001F, C(Yuv422(ChromaFirst))),
        ("YCbCr422_8", 0x0210_003B, C(Yuv422(LumaFirst))),
        ("YCbCr422_8_CbYCrY", 0x0210_0043, C(Yuv422(ChromaFirst))),
        ("YCbCr601_422_8", 0x0210_003E, C(Limited422)),
        ("Mono8", 0x0108_0001, C(Mono8)),
        ("Mono10", 0x0110_0003, C(Mono(10))),
        ("Mono12", 0x0110_0005, C(Mono(12))),
        ("Mono14", 0x0110_0025, C(Mono(14))),
        ("Mono16", 0x0110_0007, C(Mono(16))),
        ("Coord3D_C16", 0x0110_00B8, D(Depth::C16)),
        ("Coord3D_C32f", 0x0120_00BF, D(Depth::C32f)),
        ("Coord3D_AC16", 0x0220_00BB, D(Depth::Ac16)),
        ("Coord3D_AC32f", 0x0240_00C2, D(Depth::Ac32f)),
        ("Coord3D_ABC16", 0x0230_00B9, D(Depth::Abc16)),
        ("Coord3D_ABC32f", 0x0260_00C0, D(Depth::Abc32f)),
        ("Confidence8", 0x0108_00C6, M(Confidence::Byte)),
        ("Confidence16", 0x0110_00C7, M(Confidence::Two)),
    ]
};

impl PixelFormat {
    /// What is in an image of it; an error names the format and those that can be taken.
    pub fn content(self) -> Result<Content, String> {
        self.known().map(|(_, content)| content).ok_or_else(|| {
            format!("{self} cannot be taken: set PixelFormat of the camera to one of {}", names().join(", "))
        })
    }

    /// Whether it has depth.
    pub fn is_depth(self) -> bool {
        matches!(self.known(), Some((_, Content::Depth(_))))
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        KNOWN.iter().find(|(known, ..)| *known == name).map(|(_, number, _)| Self(*number))
    }

    /// Bytes of a row of so many pixels: the number says the bits of each.
    pub fn row_bytes(self, width: usize) -> usize {
        (width * ((self.0 >> 16) & 0xff) as usize).div_ceil(8)
    }

    fn known(self) -> Option<(&'static str, Content)> {
        KNOWN.iter().find(|(_, number, _)| *number == self.0).map(|(name, _, content)| (*name, *content))
    }
}

/// The names of the formats that can be taken.
pub fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|(name, ..)| *name).collect()
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some((name, _)) => write!(f, "{name}"),
            None => write!(f, "the pixel format {:#010x}", self.0),
        }
    }
}

impl fmt::Debug for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_known_by_name_and_number_and_has_the_bits_of_its_content() {
        for (name, number, content) in KNOWN {
            let format = PixelFormat::named(name).unwrap();
            assert_eq!((format.0, format.content(), format.to_string().as_str()), (number, Ok(content), name));
            let bits = match content {
                Content::Colour(Colour::Mono8 | Colour::Bayer8(_)) | Content::Confidence(Confidence::Byte) => 8,
                Content::Colour(Colour::Rgb8 | Colour::Bgr8) => 24,
                Content::Depth(Depth::C32f | Depth::Ac16) => 32,
                Content::Depth(Depth::Abc16) => 48,
                Content::Depth(Depth::Ac32f) => 64,
                Content::Depth(Depth::Abc32f) => 96,
                _ => 16,
            };
            assert_eq!(format.row_bytes(8), bits, "{name}");
        }
    }

    #[test]
    fn a_format_that_cannot_be_taken_is_named_with_those_that_can() {
        // Coord3D_ABC32f_Planar
        let error = PixelFormat(0x0260_00C1).content().unwrap_err();
        assert!(error.contains("0x026000c1") && error.contains("Coord3D_ABC32f"), "{error}");
        assert!(PixelFormat::named("Coord3D_ABC32f_Planar").is_none());
        assert!(PixelFormat(0x0110_00B8).is_depth() && !PixelFormat(0x0108_0001).is_depth());
    }
}
