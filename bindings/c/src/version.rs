//! The version of the library.

use std::ffi::c_char;

/// The version of the library that the program runs with, as "0.1.0". CROSSCHECK_VERSION is that of the header which the
/// program was compiled with; the two are equal, but for the last number, where the right library is loaded.
///
/// The text lives as long as the library. Any thread may call this at any time.
#[unsafe(no_mangle)]
pub extern "C" fn crosscheck_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
