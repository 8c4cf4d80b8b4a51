//! The C interface of crosscheck: engines are opened, and frames inspected, from C and C++.
//!
//! `include/crosscheck.h` is made of this source (`tests/header.rs`), and `docs/c.md` shows how it is used. What is written
//! here is what the library itself computes: no arithmetic is done on the way.
//!
//! ```text
//! crosscheck_frame -> arguments, image -> frame -> Inspector -> results -> crosscheck_result, crosscheck_outputs
//!                                \---------- boundary: locks, panics, texts ----------/
//! ```
//!
//! Whatever a caller passes is checked before it is used, as far as it can be: an address may be null or misaligned, a size
//! or a stride anything. That an address belongs to memory of the size that is stated is the caller's promise.

pub mod arguments;
mod boundary;
pub mod camera;
pub mod failure;
pub mod frame;
mod image;
pub mod inspect;
pub mod inspector;
pub mod options;
pub mod parts;
pub mod results;
pub mod status;
pub mod text;
pub mod version;
