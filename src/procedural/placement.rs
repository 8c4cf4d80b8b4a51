//! Where a defect is placed.

/// Draws a defect anew, at most `tries` times, until it shows on `pixels_min` pixels, and returns the one that shows on the
/// most. `draw` returns what was drawn and the pixels that it changes, `[height, width]`.
pub fn most_visible<T>(tries: usize, pixels_min: usize, mut draw: impl FnMut() -> (T, Vec<bool>)) -> (T, Vec<bool>) {
    let mut best: Option<(usize, (T, Vec<bool>))> = None;
    for _ in 0..tries {
        let drawn = draw();
        let pixels = drawn.1.iter().filter(|changed| **changed).count();
        if best.as_ref().is_none_or(|(most, _)| pixels > *most) {
            best = Some((pixels, drawn));
        }
        if pixels >= pixels_min {
            break;
        }
    }
    let Some((_, drawn)) = best else { unreachable!("a defect is placed at least once") };
    drawn
}
