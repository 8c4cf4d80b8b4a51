//! What the parts of a frame hold, by the frame's number: the test makes the same and compares.

/// The bytes of so many pixels of a format.
pub fn bytes(format: &str, pixels: usize, frame: u64) -> Vec<u8> {
    let byte = |i: usize| (7 * i + 13 * frame as usize) as u8;
    match format {
        "RGB8" => (0..3 * pixels).map(byte).collect(),
        "Mono8" | "BayerRG8" => (0..pixels).map(byte).collect(),
        "Mono16" => (0..pixels).flat_map(|i| [0, byte(i)]).collect(),
        "Coord3D_C16" => steps(pixels, frame).iter().flat_map(|step| step.to_le_bytes()).collect(),
        "Coord3D_ABC32f" => points(pixels, frame).as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect(),
        "Coord3D_AC32f" => {
            points(pixels, frame).iter().flat_map(|[a, _, c]| [a.to_le_bytes(), c.to_le_bytes()].concat()).collect()
        }
        "Confidence8" => (0..pixels).map(|i| if is_sure(i, frame) { 200 } else { 0 }).collect(),
        other => panic!("no content for {other}"),
    }
}

/// Distances in steps, 0 where there is none.
pub fn steps(pixels: usize, frame: u64) -> Vec<u16> {
    (0..pixels).map(|i| if i % 11 == 0 { 0 } else { 400 + ((i + 3 * frame as usize) % 300) as u16 }).collect()
}

/// Points in millimetres.
pub fn points(pixels: usize, frame: u64) -> Vec<[f32; 3]> {
    let point = |i: usize| [i as f32 * 0.25, -(i as f32) * 0.125, 400.0 + ((i + 3 * frame as usize) % 300) as f32];
    (0..pixels).map(point).collect()
}

pub fn is_sure(i: usize, frame: u64) -> bool {
    !(i + frame as usize).is_multiple_of(5)
}
