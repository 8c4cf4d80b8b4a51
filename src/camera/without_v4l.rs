//! The place of video nodes in a program that was built without them (`--features v4l`): opening them is an error.

use super::CameraError;
use super::nodes::{NodePair, Pairing, Wanted};

pub fn open(_: &Wanted, _: &Wanted, _: Pairing) -> Result<NodePair, CameraError> {
    Err(CameraError::settings("this build has no V4L2 cameras: build it with --features v4l"))
}
