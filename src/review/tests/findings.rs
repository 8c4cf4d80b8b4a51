use super::*;
use crate::dataset::{Layout, Reading, Split, found_good, nominal};

fn png(width: u32, height: u32, marked: &[(u32, u32)]) -> Vec<u8> {
    let mut mask = image::GrayImage::new(width, height);
    marked.iter().for_each(|(x, y)| mask.put_pixel(*x, *y, image::Luma([255])));
    let mut bytes = std::io::Cursor::new(Vec::new());
    mask.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn what_a_person_says_is_kept_with_the_corrected_mask() {
    let recording = Recording::new();
    recording.add_whole(&name(1), &record(1, Verdict::Reject, 0.7));
    let part = recording.gallery().part(&name(1)).unwrap();
    assert_eq!(part.finding().unwrap(), None);
    let finding = Finding::new(Opinion::Defect, Some(Kind::Missing), "<Ada>", 5).unwrap();
    part.say(&finding, Some(&png(WIDTH as u32, HEIGHT as u32, &[(3, 2)]))).unwrap();
    assert_eq!(part.finding().unwrap(), Some(finding));
    let truth = part.entry().truth(WIDTH, HEIGHT).unwrap();
    assert_eq!((0..truth.len()).filter(|i| truth[*i]).collect::<Vec<_>>(), [2 * WIDTH + 3]);
    part.say(&said(Opinion::Good), None).unwrap();
    assert_eq!(part.finding().unwrap(), Some(said(Opinion::Good)));
}

#[test]
fn a_mask_that_cannot_be_the_parts_is_refused_and_nothing_changes() {
    let recording = Recording::new();
    recording.add_whole(&name(1), &record(1, Verdict::Reject, 0.7));
    let part = recording.gallery().part(&name(1)).unwrap();
    let before = files_under(recording.folder.path());
    let whole = png(WIDTH as u32, HEIGHT as u32, &[]);
    let large = vec![0; MASK_BYTES_MAX + 1];
    for (mask, words) in [
        (png(WIDTH as u32, HEIGHT as u32 + 1, &[]), "448 x 225 where the frame is 448 x 224"),
        (png(1, 1, &[]), "1 x 1"),
        (whole[..whole.len() / 2].to_vec(), "complete"),
        (b"<svg/>".to_vec(), "mask"),
        (Vec::new(), "mask"),
        (large, "at most 33554432"),
    ] {
        let error = part.say(&said(Opinion::Defect), Some(&mask)).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("/.s0"), "{error}");
        assert!(files_under(recording.folder.path()) == before, "{error}");
    }
}

#[test]
fn of_a_part_that_is_gone_no_finding_stays() {
    let recording = Recording::new();
    recording.add_whole(&name(1), &record(1, Verdict::Reject, 0.7));
    let part = recording.gallery().part(&name(1)).unwrap();
    // As the recorder does to make room.
    for folder in ["verdict", "rgb", "xyz", "gt", "anomaly_map", "psi_rgb", "psi_xyz"] {
        for extension in ["json", "png", "tiff"] {
            let _ = fs::remove_file(part.file(folder, extension));
        }
    }
    assert!(matches!(part.say(&said(Opinion::Good), None), Err(ReviewError::NoPart { .. })));
    assert!(matches!(part.record(), Err(ReviewError::NoPart { .. })));
    for picture in Picture::ALL {
        assert!(matches!(part.picture(picture), Err(ReviewError::NoPart { .. })), "{picture:?}");
    }
    assert!(files_under(recording.folder.path()).is_empty());
}

#[test]
fn a_recording_is_a_dataset_of_what_persons_found() {
    let recording = Recording::new();
    let parts = [
        (1, Verdict::Pass, None),
        (2, Verdict::Pass, Some(Opinion::Defect)),
        (3, Verdict::Pass, Some(Opinion::Unsure)),
        (4, Verdict::Reject, None),
        (5, Verdict::Reject, Some(Opinion::Good)),
        (6, Verdict::Reject, Some(Opinion::Defect)),
        (7, Verdict::Review, Some(Opinion::Good)),
        (8, Verdict::Reject, Some(Opinion::Good)),
    ];
    for (part, verdict, opinion) in parts {
        // The frame of the last shows other parts too.
        let at = (part == 8).then_some([9.0, 9.0]);
        recording.add_whole(&name(part), &PartRecord { at, ..record(part, verdict, 0.7) });
        if let Some(opinion) = opinion {
            recording.say(&name(part), opinion);
        }
    }
    let kind = Finding::new(Opinion::Defect, Some(Kind::Shape), "", 7).unwrap();
    recording.gallery().part(&name(6)).unwrap().say(&kind, None).unwrap();
    let root = recording.folder.path();
    let reading = Reading::default();
    let entries = Layout::detect(root).unwrap().entries(root, "parts", Split::Test, &reading).unwrap();
    let mut found: Vec<(&str, Option<&str>)> =
        entries.iter().map(|entry| (entry.name.rsplit('/').next().unwrap(), entry.defect.as_deref())).collect();
    found.sort();
    let names = [1, 2, 4, 5, 6, 7, 8].map(name);
    let defects = [None, Some("defect"), Some("reject"), None, Some("shape"), None, None];
    assert_eq!(found, names.iter().map(String::as_str).zip(defects).collect::<Vec<_>>());
    let of = |entries: Vec<crate::dataset::Entry>| -> Vec<String> {
        assert!(entries.iter().all(|entry| entry.defect.is_none()));
        entries.into_iter().map(|entry| entry.name.rsplit('/').next().unwrap().into()).collect()
    };
    // What passed, without what is known to have a defect; and what a person found good, alone.
    assert_eq!(of(nominal(&root.join("parts/test"), &reading).unwrap()), [name(1)]);
    assert_eq!(of(nominal(&root.join("parts/test/good"), &reading).unwrap()), [name(1)]);
    assert_eq!(of(found_good(root, &reading).unwrap()), [name(5), name(7)]);
    fs::remove_dir_all(root.join("parts/test/reject")).unwrap();
    fs::remove_dir_all(root.join("parts/test/review")).unwrap();
    let none = found_good(root, &reading).unwrap_err().to_string();
    assert!(none.contains("crosscheck review say"), "{none}");
    fs::write(finding_of(&recording, 2, Verdict::Pass), "{").unwrap();
    assert!(nominal(&root.join("parts/test"), &reading).is_err());
}
