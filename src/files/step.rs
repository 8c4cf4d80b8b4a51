//! The steps that tests let fail, one after another.

use std::io;

#[cfg(test)]
use super::failing;

/// Every step that may fail or be the last one passes here first, so that tests let each of them be it.
pub fn step() -> io::Result<()> {
    #[cfg(test)]
    failing::step()?;
    Ok(())
}
