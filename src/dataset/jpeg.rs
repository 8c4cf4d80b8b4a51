//! Whether a JPEG is complete: its decoder fills what is missing or damaged with grey, without an error.
//!
//! Every code of every scan is read (ITU-T T.81): there is one for each block, no byte is left over, and restart
//! markers come in their order. Damage that does not change the number of blocks is not found: a JPEG has no checksum.
//! Values that no picture has are damage too.

mod bits;
mod scan;

use bits::{Codes, Damage};
use scan::{Band, Scan, ScanComponent};

use crate::frame::PIXELS_MAX;

const START_OF_SCAN: u8 = 0xDA;
const END: u8 = 0xD9;
const BLOCK: usize = 8;

/// Refuses `bytes` that are not one whole image; the reason completes a sentence about it.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let early = || -> Damage { "the image ends too early".into() };
    let mut image = Image::default();
    // Behind the marker of the image's start.
    let mut at = 2;
    loop {
        let Some(&[0xFF, marker]) = bytes.get(at..at + 2) else { return Err(early()) };
        match marker {
            END => return image.check_complete(),
            // A marker may be filled up from the left.
            0xFF => at += 1,
            // Markers without a length.
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => {
                let length = bytes.get(at + 2..at + 4).ok_or_else(early)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let segment = bytes.get(at + 4..at + 2 + length).ok_or_else(early)?;
                at += 2 + length;
                match marker {
                    START_OF_SCAN => at += image.scan(segment, bytes.get(at..).ok_or_else(early)?)?,
                    _ => image.take(marker, segment).ok_or("one of its headers is damaged")?,
                }
            }
        }
    }
}

/// What the headers that were read so far contain.
#[derive(Default)]
struct Image {
    /// None of an image of a kind that is not looked into.
    frame: Option<Frame>,
    means: [Option<Codes>; 4],
    values: [Option<Codes>; 4],
    steps: [Option<[u16; BLOCK * BLOCK]>; 4],
    restart_interval: usize,
}

struct Frame {
    progressive: bool,
    width: usize,
    height: usize,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    across: usize,
    down: usize,
    /// The table of its steps.
    table: usize,
    /// By block, which coefficients are not 0 so far.
    known: Vec<u64>,
    /// By coefficient, how many of its bits are still to come; none where no scan had it.
    to_come: [Option<u8>; BLOCK * BLOCK],
}

impl Frame {
    fn most_across(&self) -> usize {
        self.components.iter().map(|c| c.across).max().unwrap_or(1)
    }

    fn most_down(&self) -> usize {
        self.components.iter().map(|c| c.down).max().unwrap_or(1)
    }

    /// Units of a scan of several components.
    fn units(&self) -> usize {
        let across = self.width.div_ceil(BLOCK * self.most_across());
        across * self.height.div_ceil(BLOCK * self.most_down())
    }

    /// Blocks of a scan of this component alone.
    fn blocks(&self, component: usize) -> usize {
        let Component { across, down, .. } = self.components[component];
        let across = (self.width * across).div_ceil(self.most_across()).div_ceil(BLOCK);
        across * (self.height * down).div_ceil(self.most_down()).div_ceil(BLOCK)
    }
}

impl Image {
    /// Takes a segment other than a scan; none where its content does not fit its marker.
    fn take(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        match marker {
            0xC4 => self.take_codes(segment),
            0xDB => self.take_steps(segment),
            0xDD => {
                self.restart_interval = usize::from(u16::from_be_bytes(*segment.first_chunk()?));
                Some(())
            }
            // Baseline, sequential and progressive, by Huffman's codes.
            0xC0..=0xC2 => self.take_frame(marker == 0xC2, segment),
            _ => Some(()),
        }
    }

    fn take_codes(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((head, rest)) = segment.split_first_chunk::<17>() {
            let counts: [u8; 16] = *head.last_chunk()?;
            let (symbols, rest) = rest.split_at_checked(counts.iter().map(|n| usize::from(*n)).sum())?;
            let tables = if head[0] >> 4 == 0 { &mut self.means } else { &mut self.values };
            *tables.get_mut(usize::from(head[0] & 15))? = Some(Codes::new(&counts, symbols));
            segment = rest;
        }
        Some(())
    }

    fn take_steps(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((head, rest)) = segment.split_first() {
            let mut steps = [0; BLOCK * BLOCK];
            let bytes = if head >> 4 == 0 { 1 } else { 2 };
            let (numbers, rest) = rest.split_at_checked(bytes * steps.len())?;
            let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u16::from(*byte));
            for (step, bytes) in steps.iter_mut().zip(numbers.chunks(bytes)) {
                *step = number(bytes);
            }
            *self.steps.get_mut(usize::from(head & 15))? = Some(steps);
            segment = rest;
        }
        Some(())
    }

    fn take_frame(&mut self, progressive: bool, segment: &[u8]) -> Option<()> {
        let (&[bits, h1, h0, w1, w0, _], components) = segment.split_first_chunk()?;
        let [width, height] = [[w1, w0], [h1, h0]].map(|side| usize::from(u16::from_be_bytes(side)));
        let component = |&[id, sampling, table]: &[u8; 3]| {
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            let fits = (1..=4).contains(&across) && (1..=4).contains(&down);
            let to_come = [None; BLOCK * BLOCK];
            fits.then_some(Component { id, across, down, table: table.into(), known: Vec::new(), to_come })
        };
        let components: Option<Vec<_>> = components.as_chunks().0.iter().map(component).collect();
        let mut frame = Frame { progressive, width, height, components: components? };
        if bits != 8 || width == 0 || height == 0 || frame.components.is_empty() || width * height > PIXELS_MAX {
            return None;
        }
        // A lone component's blocks follow one another whatever its sampling.
        if let [only] = frame.components.as_mut_slice() {
            (only.across, only.down) = (1, 1);
        }
        if progressive {
            for i in 0..frame.components.len() {
                frame.components[i].known = vec![0; frame.blocks(i)];
            }
        }
        self.frame = Some(frame);
        Some(())
    }

    /// Reads the scan with this header that `bytes` starts with; returns where the marker behind it lies.
    fn scan(&mut self, header: &[u8], bytes: &[u8]) -> Result<usize, Damage> {
        let damaged = "one of its headers is damaged";
        let Some(frame) = &mut self.frame else { return skip(bytes) };
        let (count, rest) = header.split_first().ok_or(damaged)?;
        let (chosen, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or(damaged)?;
        let &[first, last, bits] = rest.first_chunk().ok_or(damaged)?;
        let (first, last) = (usize::from(first), usize::from(last));
        let (before, to_come) = if frame.progressive { (bits >> 4, bits & 15) } else { (0, 0) };
        let band = Band { progressive: frame.progressive, first, last, refines: before > 0, to_come };
        if first > last || last >= BLOCK * BLOCK || (!band.progressive && (first, last) != (0, BLOCK * BLOCK - 1)) {
            return Err(damaged.into());
        }
        if band.progressive && first == 0 && last > 0 || first > 0 && *count != 1 {
            return Err(damaged.into());
        }
        let place = |id: u8| frame.components.iter().position(|c| c.id == id);
        let chosen: Option<Vec<(usize, u8)>> =
            chosen.as_chunks::<2>().0.iter().map(|[id, tables]| Some((place(*id)?, *tables))).collect();
        let chosen = chosen.filter(|chosen| chosen.is_sorted_by(|a, b| a.0 < b.0) && !chosen.is_empty());
        let chosen = chosen.ok_or(damaged)?;
        for (i, _) in &chosen {
            frame.components[*i].scanned(band, before)?;
        }
        let alone = chosen.len() == 1;
        let units = if alone { frame.blocks(chosen[0].0) } else { frame.units() };
        let interval = if self.restart_interval == 0 { units } else { self.restart_interval };
        let mut parts = Vec::new();
        for (i, component) in frame.components.iter_mut().enumerate() {
            let Some((_, tables)) = chosen.iter().find(|(chosen, _)| *chosen == i) else { continue };
            let (means, values) = (self.means.get(usize::from(tables >> 4)), self.values.get(usize::from(tables & 15)));
            let (Some(means), Some(values)) = (means, values) else { return Err(damaged.into()) };
            let needs_means = first == 0 && !band.refines;
            // The decoder has tables of its own for images without, as cameras send them.
            if (needs_means && means.is_none()) || (last > 0 && values.is_none()) {
                return skip(bytes);
            }
            let blocks = if alone { 1 } else { component.across * component.down };
            let steps = self.steps.get(component.table).and_then(Option::as_ref);
            let (means, values, known) = (means.as_ref(), values.as_ref(), &mut component.known);
            parts.push(ScanComponent { means, values, blocks, steps, mean: 0, known });
        }
        Scan { band, parts, units, interval }.read(bytes)
    }

    fn check_complete(&self) -> Result<(), Damage> {
        let components = self.frame.iter().flat_map(|frame| &frame.components);
        let complete = components.flat_map(|component| component.to_come).all(|bits| bits == Some(0));
        if complete { Ok(()) } else { Err("one of its scans is missing".into()) }
    }
}

impl Component {
    /// Refuses a scan that does not follow the ones before it: one between them is missing.
    fn scanned(&mut self, band: Band, before: u8) -> Result<(), Damage> {
        let wanted = if band.refines { Some(before) } else { None };
        let coefficients = &mut self.to_come[band.first..=band.last];
        if coefficients.iter().any(|bits| *bits != wanted) || (band.refines && band.to_come + 1 != before) {
            return Err("one of its scans is missing or there twice".into());
        }
        coefficients.fill(Some(band.to_come));
        Ok(())
    }
}

/// Returns where the marker behind a scan lies, without reading the scan.
fn skip(bytes: &[u8]) -> Result<usize, Damage> {
    // Within a scan, 0xFF is followed by 0 or is a mark to restart at.
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7);
    bytes.windows(2).position(ends).ok_or_else(|| "the image ends too early".into())
}
