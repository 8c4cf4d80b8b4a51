//! Damage inside a JPEG's scan, which the decoder would fill in without an error.

use std::path::Path;

use super::writers::{colour, refusal};

/// The end of an image that is not cut.
const END: usize = 2;

/// Small pictures by libjpeg: sequential and progressive, with and without restart markers and colour at half its size.
fn pictures() -> [(&'static str, Vec<u8>); 6] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/readers/jpeg");
    let names =
        ["baseline_420", "grey", "grey_progressive", "progressive_420", "progressive_restarts_444", "restarts_422"];
    names.map(|name| (name, std::fs::read(folder.join(format!("{name}.jpg"))).unwrap()))
}

/// Where the first scan's bits begin.
fn scan(bytes: &[u8]) -> usize {
    let header = bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    header + 2 + usize::from(bytes[header + 3])
}

/// Places of the restart markers.
fn restarts(bytes: &[u8]) -> Vec<usize> {
    let is_restart = |at: &usize| bytes[*at] == 0xFF && (0xD0..=0xD7).contains(&bytes[at + 1]);
    (scan(bytes)..bytes.len() - 1).filter(is_restart).collect()
}

/// How many of `rounds` damaged files were read.
fn read_of(bytes: &[u8], rounds: usize, mut damage: impl FnMut(&mut Vec<u8>, usize)) -> usize {
    let from = scan(bytes);
    let places = (0..rounds).map(|round| from + (bytes.len() - END - from) * round / rounds);
    let is_read = |at: &usize| {
        let mut bent = bytes.to_vec();
        damage(&mut bent, *at);
        bent != bytes && colour("rgb.jpg", &bent).is_ok()
    };
    places.filter(is_read).count()
}

#[test]
fn good_pictures_are_read() {
    for (name, bytes) in pictures() {
        let read = colour("rgb.jpg", &bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(read.dimensions(), (75, 53), "{name}");
    }
}

#[test]
fn a_stretch_that_is_missing_zero_or_garbage_is_refused() {
    let mut random = fastrand::Rng::with_seed(5);
    for (name, bytes) in pictures() {
        let length = 300;
        let fits = |bent: &Vec<u8>, at: usize| at + length <= bent.len() - END;
        let missing = read_of(&bytes, 60, |bent, at| {
            if fits(bent, at) {
                bent.drain(at..at + length);
            }
        });
        let zero = read_of(&bytes, 60, |bent, at| {
            if fits(bent, at) {
                bent[at..at + length].fill(0);
            }
        });
        let garbage = read_of(&bytes, 60, |bent, at| {
            if fits(bent, at) {
                bent[at..at + length].iter_mut().for_each(|byte| *byte = random.u8(..));
            }
        });
        assert!(missing + zero + garbage <= 2, "{name}: {missing}, {zero} and {garbage} of 60 were read");
    }
}

#[test]
fn what_ends_too_early_or_too_late_is_refused_with_its_reason() {
    for (name, bytes) in pictures() {
        let end = bytes.len() - END;
        let early = [&bytes[..end - 12], &bytes[end..]].concat();
        refusal("rgb.jpg", colour("rgb.jpg", &early));
        let late = [&bytes[..end], &[0x35; 9], &bytes[end..]].concat();
        let message = refusal("rgb.jpg", colour("rgb.jpg", &late));
        assert!(message.contains("bytes are left over in its scan"), "{name}: {message}");
    }
}

#[test]
fn restart_markers_have_their_order() {
    let of_restarts = pictures().into_iter().filter(|(name, _)| name.contains("restarts"));
    let mut seen = 0;
    for (name, bytes) in of_restarts {
        let places = restarts(&bytes);
        for (i, place) in places.iter().enumerate() {
            let mut other = bytes.clone();
            other[place + 1] = 0xD0 + (other[place + 1] + 3) % 8;
            let message = refusal("rgb.jpg", colour("rgb.jpg", &other));
            assert!(message.contains("restart marker D"), "{name}: {message}");
            // Two stretches in each other's place.
            if let Some([first, second, third]) = places.get(i..i + 3) {
                let (before, after) = (&bytes[..*first], &bytes[*third..]);
                let swapped = [before, &bytes[*second..*third], &bytes[*first..*second], after].concat();
                refusal("rgb.jpg", colour("rgb.jpg", &swapped));
                refusal("rgb.jpg", colour("rgb.jpg", &[before, &bytes[*second..]].concat()));
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_scan_that_is_missing_is_refused() {
    for (name, bytes) in pictures().into_iter().filter(|(name, _)| name.contains("progressive")) {
        let scans: Vec<usize> =
            (0..bytes.len() - 1).filter(|at| bytes[*at..*at + 2] == [0xFF, 0xDA]).chain([bytes.len() - END]).collect();
        assert!(scans.len() > 5, "{name}");
        for pair in scans.windows(2) {
            let message = refusal("rgb.jpg", colour("rgb.jpg", &[&bytes[..pair[0]], &bytes[pair[1]..]].concat()));
            assert!(
                message.contains("scan") && message.contains("check that the file is complete"),
                "{name}: {message}"
            );
        }
    }
}
