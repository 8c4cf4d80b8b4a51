//! The bits of a JPEG's scan, and the codes that they are read by.

/// What is wrong with a scan.
pub type Damage = String;

/// Bits of one stretch between markers, its stuffed zeros left out.
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// What of `bytes` is in `held`.
    at: usize,
    /// The next bits, from the left.
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// From the start of `bytes` to its first marker.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xFF, 0, ..]) => {
                    self.at += 2;
                    0xFF
                }
                Some([byte, ..]) if *byte != 0xFF => {
                    self.at += 1;
                    *byte
                }
                _ => return,
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, 16 at most, as a number.
    pub fn take(&mut self, count: u32) -> Result<u32, Damage> {
        if self.count < count {
            self.fill();
            if self.count < count {
                return Err("its scan ends too early".into());
            }
        }
        let bits = if count == 0 { 0 } else { (self.held >> (64 - count)) as u32 };
        self.held <<= count;
        self.count -= count;
        Ok(bits)
    }

    /// Returns where the marker that ends this stretch lies; less than a byte may be left before it.
    pub fn end(mut self) -> Result<usize, Damage> {
        let filled = self.count;
        self.fill();
        if filled >= 8 || self.count != filled {
            return Err("bytes are left over in its scan".into());
        }
        match self.bytes.get(self.at..) {
            Some([0xFF, _, ..]) => Ok(self.at),
            _ => Err("the image ends too early".into()),
        }
    }
}

/// A table of codes.
pub struct Codes {
    /// By length, from 1: what the first longer code begins with, as 16 bits from the left.
    limits: [u32; 16],
    /// By length: the first symbol's place, less the first code.
    places: [i32; 16],
    symbols: Vec<u8>,
}

impl Codes {
    /// `counts`: how many codes have each length.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Self {
        let (mut limits, mut places) = ([0; 16], [0; 16]);
        let (mut code, mut place) = (0_u32, 0_i32);
        for (i, count) in counts.iter().enumerate() {
            places[i] = place - code as i32;
            code += u32::from(*count);
            place += i32::from(*count);
            limits[i] = code << (15 - i);
            code <<= 1;
        }
        Self { limits, places, symbols: symbols.to_vec() }
    }

    /// The next symbol.
    pub fn read(&self, bits: &mut Bits) -> Result<u8, Damage> {
        if bits.count < 16 {
            bits.fill();
        }
        let next = (bits.held >> 48) as u32;
        let Some(i) = self.limits.iter().position(|limit| next < *limit) else {
            return Err("its scan has a code that is in no table".into());
        };
        let code = bits.take(i as u32 + 1)?;
        let symbol = self.symbols.get((self.places[i] + code as i32) as usize);
        symbol.copied().ok_or_else(|| "its scan has a code that is in no table".into())
    }
}
