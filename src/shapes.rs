//! Axis letters and their sizes. Every tensor's documentation names its axes with these letters.
//!
//! | letter | meaning | size |
//! |---|---|---|
//! | H, W | rows and columns of the network image | 224 |
//! | P | pixels, H x W, row-major | 50,176 |
//! | T | RGB tokens, 28 x 28, row-major | 784 |
//! | G | point groups | 1,024 in the published variants |
//! | K | points in a group | 32 or 128 |
//! | N | valid points of a frame | varies |
//! | C_RGB, C_XYZ | feature channels of a token, of a group | 768, 1,152 (384 for Tiny) |
//! | M | hidden units of a mapping | (C_RGB + C_XYZ) / 2 |

/// Rows of the network image (paper, section 4).
pub const H: usize = 224;
/// Columns of the network image.
pub const W: usize = 224;
/// Pixels of the network image.
pub const P: usize = H * W;
/// Side of a ViT patch in pixels (DINO ViT-B/8).
pub const PATCH: usize = 8;
/// Values of a ViT patch.
pub const PATCH_VALUES: usize = RGB * PATCH * PATCH;
/// RGB tokens along one side.
pub const T_SIDE: usize = W / PATCH;
/// RGB tokens of a frame, the class token left out.
pub const T: usize = T_SIDE * T_SIDE;
/// Colour channels.
pub const RGB: usize = 3;
/// Coordinates of a point.
pub const XYZ: usize = 3;
/// Pixels that the second and last layer of a mapping take at a time where they run as a graph: every size of a graph is
/// fixed, the number of valid pixels is not, so the graph runs once for each slice of as many pixels.
pub const TAIL_PIXELS: usize = 4096;

const _: () = assert!(H == W && W.is_multiple_of(PATCH));
