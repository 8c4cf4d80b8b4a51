//! One scan of a JPEG: every block of it is read, and none is drawn.

use super::bits::{Bits, Codes, Damage};

/// Bits of a difference of mean values, and of a coefficient, in images of 8 bits.
const MEAN_BITS_MAX: u8 = 11;
const VALUE_BITS_MAX: u8 = 10;
/// Coefficients of 8 bits reach 1,024, rounded to the table's steps; an encoder that sharpens white edges goes beyond.
const VALUE_MAX: i32 = 1536;

/// Which coefficients, and which bits of them, a scan has of each block, ITU-T T.81 B.2.3.
#[derive(Clone, Copy)]
pub struct Band {
    pub progressive: bool,
    pub first: usize,
    pub last: usize,
    /// The scan adds a bit to what earlier scans had.
    pub refines: bool,
    /// Bits that later scans add.
    pub to_come: u8,
}

/// One component of a scan.
pub struct ScanComponent<'a> {
    pub means: Option<&'a Codes>,
    pub values: Option<&'a Codes>,
    /// Blocks of it in a unit of the scan.
    pub blocks: usize,
    /// Steps of the coefficients; none where the component has no table.
    pub steps: Option<&'a [u16; 64]>,
    /// The mean value of its last block, in steps.
    pub mean: i32,
    /// By block of a scan of this component alone: which coefficients are not 0 so far.
    pub known: &'a mut [u64],
}

/// What `read` needs besides its bytes.
pub struct Scan<'a> {
    pub band: Band,
    pub parts: Vec<ScanComponent<'a>>,
    pub units: usize,
    /// Units from one restart to the next.
    pub interval: usize,
}

impl Scan<'_> {
    /// Reads the scan that `bytes` starts with; returns where the marker behind it lies.
    pub fn read(mut self, bytes: &[u8]) -> Result<usize, Damage> {
        let (mut at, mut restarts) = (0, 0_u8);
        let mut unit = 0;
        loop {
            let mut bits = Bits::new(&bytes[at..]);
            let end = self.units.min(unit + self.interval);
            let mut run = 0;
            self.parts.iter_mut().for_each(|part| part.mean = 0);
            for index in unit..end {
                for part in &mut self.parts {
                    for _ in 0..part.blocks {
                        block(self.band, part, index, &mut bits, &mut run)?;
                    }
                }
            }
            if run > 0 {
                return Err("a run of its scan goes on behind its last block".into());
            }
            (unit, at) = (end, at + bits.end()?);
            // A marker may be filled up from the left.
            while bytes.get(at..at + 2) == Some(&[0xFF, 0xFF]) {
                at += 1;
            }
            if unit == self.units {
                return Ok(at);
            }
            let (wanted, found) = (0xD0 + restarts % 8, bytes.get(at + 1).copied().unwrap_or(0));
            if found != wanted {
                return Err(format!("its scan has marker {found:02X} where restart marker {wanted:02X} is expected"));
            }
            (at, restarts) = (at + 2, restarts.wrapping_add(1));
        }
    }
}

fn block(band: Band, part: &mut ScanComponent, index: usize, bits: &mut Bits, run: &mut u32) -> Result<(), Damage> {
    let missing = || -> Damage { "its scan has no table of codes".into() };
    if band.first == 0 {
        if band.refines {
            return bits.take(1).map(drop);
        }
        let size = part.means.ok_or_else(missing)?.read(bits)?;
        if size > MEAN_BITS_MAX {
            return Err("its scan has a value out of range".into());
        }
        part.mean += signed(bits, size)?;
        check(part.mean, 0, band, part.steps)?;
    }
    if band.last == 0 {
        return Ok(());
    }
    let codes = part.values.ok_or_else(missing)?;
    if !band.progressive {
        return values(codes, part.steps, band, bits, run, &mut 0);
    }
    let known = part.known.get_mut(index).ok_or("its scan has a block outside of the image")?;
    if band.refines {
        refined(codes, band, bits, run, known)
    } else {
        values(codes, part.steps, band, bits, run, known)
    }
}

/// A number of `size` bits, F.2.2.1.
fn signed(bits: &mut Bits, size: u8) -> Result<i32, Damage> {
    let (value, size) = (bits.take(size.into())? as i32, i32::from(size));
    Ok(if size > 0 && value < 1 << (size - 1) { value - (1 << size) + 1 } else { value })
}

/// Refuses what no picture has as its coefficient `at`.
fn check(value: i32, at: usize, band: Band, steps: Option<&[u16; 64]>) -> Result<(), Damage> {
    let step = steps.map_or(1, |steps| i32::from(steps[at])) << band.to_come.min(13);
    if value.abs().saturating_mul(step) > VALUE_MAX.saturating_add(step) {
        return Err("its scan has a value out of range".into());
    }
    Ok(())
}

/// The coefficients of a block, F.2.2.2 and G.1.2.2.
fn values(
    codes: &Codes,
    steps: Option<&[u16; 64]>,
    band: Band,
    bits: &mut Bits,
    run: &mut u32,
    known: &mut u64,
) -> Result<(), Damage> {
    if *run > 0 {
        *run -= 1;
        return Ok(());
    }
    let mut at = band.first.max(1);
    while at <= band.last {
        let symbol = codes.read(bits)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 && zeros < 15 {
            if zeros > 0 && !band.progressive {
                return Err("its scan has a run that such a scan does not have".into());
            }
            *run = (1 << zeros) - 1 + bits.take(zeros.into())?;
            return Ok(());
        }
        at += usize::from(zeros);
        if at > band.last || size > VALUE_BITS_MAX {
            return Err("its scan has a value out of range".into());
        }
        if size > 0 {
            check(signed(bits, size)?, at, band, steps)?;
            *known |= 1 << at;
        }
        at += 1;
    }
    Ok(())
}

/// One more bit of the coefficients of a block, G.1.2.3.
fn refined(codes: &Codes, band: Band, bits: &mut Bits, run: &mut u32, known: &mut u64) -> Result<(), Damage> {
    let mut at = band.first;
    while *run == 0 && at <= band.last {
        let symbol = codes.read(bits)?;
        let (mut zeros, size) = (symbol >> 4, symbol & 15);
        match size {
            0 if zeros < 15 => {
                *run = (1 << zeros) + bits.take(zeros.into())?;
                break;
            }
            0 => {}
            // The sign.
            1 => drop(bits.take(1)?),
            _ => return Err("its scan has a value out of range".into()),
        }
        while at <= band.last {
            if *known >> at & 1 == 1 {
                bits.take(1)?;
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            at += 1;
        }
        if at > band.last {
            return Err("its scan has a value out of range".into());
        }
        *known |= u64::from(size) << at;
        at += 1;
    }
    if *run > 0 {
        for at in at..=band.last {
            bits.take((*known >> at & 1) as u32)?;
        }
        *run -= 1;
    }
    Ok(())
}
