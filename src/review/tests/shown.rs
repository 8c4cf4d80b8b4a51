use super::*;
use image::RgbImage;

fn drawn(part: &RecordedPart, picture: Picture) -> RgbImage {
    let encoded = part.picture(picture).unwrap();
    let expected = if picture == Picture::Mask { "image/png" } else { "image/jpeg" };
    assert_eq!(encoded.media_type, expected);
    image::load_from_memory(&encoded.bytes).unwrap().to_rgb8()
}

fn part_of(recording: &Recording, record: &PartRecord) -> RecordedPart {
    recording.add_whole(&name(record.part), record);
    recording.gallery().part(&name(record.part)).unwrap()
}

#[test]
fn every_picture_shows_what_it_is_to_show() {
    let recording = Recording::new();
    let part = part_of(&recording, &record(1, Verdict::Reject, 0.7));
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    let photograph = drawn(&part, Picture::Photograph);
    assert_eq!(photograph.dimensions(), (width, height));
    assert!(photograph.get_pixel(9, 9).0.iter().all(|value| value.abs_diff(100) < 4));
    // Network pixel (65, 60) to (74, 60) is column 130 to 149 of row 8 of the photograph.
    let overlay = drawn(&part, Picture::Overlay);
    let [red, _, blue] = overlay.get_pixel(140, 6).0;
    assert!(red > blue + 40 && overlay.height() > height, "{:?}", overlay.get_pixel(140, 6));
    let [red, _, blue] = overlay.get_pixel(300, 100).0;
    assert!(blue > red, "{:?}", overlay.get_pixel(300, 100));
    let thumbnail = drawn(&part, Picture::Thumbnail);
    assert_eq!(thumbnail.dimensions(), (149, 74));
    let [red, _, blue] = thumbnail.get_pixel(46, 2).0;
    assert!(red > blue, "{:?}", thumbnail.get_pixel(46, 2));
    assert_eq!(drawn(&part, Picture::Relief).dimensions(), (width, height));
    for picture in [Picture::DistanceRgb, Picture::DistanceXyz] {
        let map = drawn(&part, picture);
        let at = |x: u32, y: u32| map.get_pixel(2 * x, 2 * y).0;
        assert!(map.width() as usize == 2 * W && at(70, 60)[0] > at(20, 20)[0] + 40, "{:?}", at(70, 60));
    }
    let mask = drawn(&part, Picture::Mask);
    assert!(mask.dimensions() == (width, height) && mask.pixels().all(|pixel| pixel.0 == [0; 3]));
}

#[test]
fn what_an_earlier_version_recorded_is_shown_as_far_as_it_goes() {
    let recording = Recording::new();
    let part = part_of(&recording, &PartRecord { window: None, ..record(1, Verdict::Reject, 0.7) });
    assert!(drawn(&part, Picture::Thumbnail).width() <= 160);
    let error = part.picture(Picture::Overlay).unwrap_err().to_string();
    assert!(error.contains("earlier version"), "{error}");
    fs::remove_file(part.file("gt", "png")).unwrap();
    assert!(drawn(&part, Picture::Mask).pixels().all(|pixel| pixel.0 == [0; 3]));
}

#[test]
fn a_record_whose_numbers_no_photograph_has_is_refused_or_drawn() {
    let recording = Recording::new();
    let whole = Region::of_size(WIDTH, HEIGHT);
    for (left, top, side) in [(0, 0, 0), (0, 0, usize::MAX), (isize::MIN, 0, 9), (0, isize::MAX, 9)] {
        let window = Some(Window { left, top, side, bounds: whole });
        let part = part_of(&recording, &PartRecord { window, ..record(1, Verdict::Reject, 0.7) });
        for picture in [Picture::Overlay, Picture::Thumbnail] {
            assert!(matches!(part.picture(picture), Err(ReviewError::Window { .. })), "{window:?}");
        }
    }
    for (left, top, side) in [(-9, 3000, 1), (440, 220, 9), (-30_000, -30_000, 32_768)] {
        let window = Some(Window { left, top, side, bounds: whole });
        let (score, threshold) = (Some(f32::MAX), -1.0);
        let record = PartRecord { window, score, threshold, ..record(1, Verdict::Review, 0.7) };
        let part = part_of(&recording, &record);
        assert!(drawn(&part, Picture::Overlay).width() > 0 && drawn(&part, Picture::Thumbnail).width() > 0);
        fs::remove_dir_all(recording.folder_of(Verdict::Review)).unwrap();
    }
}

#[test]
fn a_file_that_is_cut_off_or_of_another_kind_is_named() {
    let recording = Recording::new();
    let maps = [Picture::DistanceRgb, Picture::Overlay, Picture::Thumbnail];
    for (folder, extension, pictures) in [
        ("rgb", "png", &[Picture::Photograph, Picture::Overlay, Picture::Thumbnail][..]),
        ("xyz", "tiff", &[Picture::Relief]),
        ("psi_rgb", "tiff", &maps),
        ("gt", "png", &[Picture::Mask]),
        ("verdict", "json", &[Picture::Overlay, Picture::Thumbnail]),
    ] {
        let part = part_of(&recording, &record(1, Verdict::Reject, 0.7));
        let path = part.file(folder, extension);
        let bytes = fs::read(&path).unwrap();
        let other = fs::read(
            part.file(if folder == "xyz" { "rgb" } else { "xyz" }, if folder == "xyz" { "png" } else { "tiff" }),
        );
        for wrong in [&bytes[..bytes.len() / 2], &bytes[..9], &[], &other.unwrap()] {
            fs::write(&path, wrong).unwrap();
            for picture in pictures {
                let error = part.picture(*picture).unwrap_err().to_string();
                assert!(error.contains(&name(1)), "{folder} {picture:?}: {error}");
            }
        }
    }
    // A map of another size is no map.
    let part = part_of(&recording, &record(1, Verdict::Reject, 0.7));
    write_map(&part.file("psi_xyz", "tiff"), &[0.0; 12], 4, 3).unwrap();
    let error = part.picture(Picture::DistanceXyz).unwrap_err().to_string();
    assert!(error.contains("4 x 3") && error.contains("224 x 224"), "{error}");
}
