//! Steps of file operations, which tests let fail one after another.

use std::io;

#[cfg(test)]
use super::failing;

/// Every step of a file operation calls this first, so that tests can let it fail, or end the program there.
pub fn step() -> io::Result<()> {
    #[cfg(test)]
    failing::step()?;
    Ok(())
}
