use super::*;

/// Parts of two starts, whose verdict, kind, recipe, time and finding differ.
fn mixed(recording: &Recording) -> Vec<(String, PartRecord, Found)> {
    let mut parts = Vec::new();
    for number in 0..150 {
        let verdict = Verdict::ALL[number as usize % 3];
        let kinds = if verdict == Verdict::Pass { vec![] } else { vec![Kind::ALL[number as usize % 5], Kind::Excess] };
        let part = PartRecord {
            recipe: (number % 4 > 0).then_some(number as u16 % 4),
            defects: kinds.into_iter().map(defect).collect(),
            identity: Some(format!("<b>{number}</b>")),
            ..record(number, verdict, number as f32)
        };
        let name = recording::name(1 + number / 80, number);
        recording.add(&name, &part);
        let found = Found::ALL[number as usize % 7 % 4];
        if let Ok(opinion) = found.name().parse() {
            recording.say(&name, opinion);
        }
        parts.push((name, part, found));
    }
    parts.reverse();
    parts
}

#[test]
fn the_pages_of_a_filter_have_every_part_of_it_once_the_newest_first() {
    let recording = Recording::new();
    let parts = mixed(&recording);
    let mut gallery = recording.gallery();
    let filters = [
        Filter::default(),
        Filter { verdict: Some(Verdict::Reject), ..Filter::default() },
        Filter { kind: Some(Kind::Mismatch), ..Filter::default() },
        Filter { found: Some(Found::None), ..Filter::default() },
        Filter { found: Some(Found::Defect), verdict: Some(Verdict::Pass), ..Filter::default() },
        Filter { recipe: Some(3), ..Filter::default() },
        Filter { from_unix_ms: Some(20_000), to_unix_ms: Some(90_000), ..Filter::default() },
        Filter { recipe: Some(9), ..Filter::default() },
    ];
    for filter in filters {
        let takes = |(_, record, found): &&(String, PartRecord, Found)| {
            filter.verdict.is_none_or(|verdict| record.verdict == verdict)
                && filter.kind.is_none_or(|kind| record.defects.first().is_some_and(|defect| defect.kind == kind))
                && filter.found.is_none_or(|asked| asked == *found)
                && filter.recipe.is_none_or(|recipe| record.recipe == Some(recipe))
                && filter.from_unix_ms.is_none_or(|from| record.captured_unix_ms >= from)
                && filter.to_unix_ms.is_none_or(|to| record.captured_unix_ms < to)
        };
        let expected: Vec<&str> = parts.iter().filter(takes).map(|(name, ..)| name.as_str()).collect();
        for count in [1, 7, 100] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = gallery.page(&filter, after.as_deref(), count).unwrap();
                assert!(page.parts.len() <= count && page.unreadable == 0);
                assert!(page.total.is_none_or(|total| total == expected.len()), "{filter:?}: {:?}", page.total);
                seen.extend(page.parts.into_iter().map(|part| part.name));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{filter:?}, {count}");
        }
    }
    let page = gallery.page(&Filter::default(), None, usize::MAX).unwrap();
    assert_eq!((page.parts.len(), page.total), (PAGE_PARTS_MAX, Some(150)));
    let (name, record, found) = &parts[0];
    let listed = &page.parts[0];
    assert_eq!((&listed.name, listed.part, &listed.identity), (name, record.part, &record.identity));
    assert_eq!(Found::from(listed.finding.as_ref()), *found);
}

#[test]
fn a_page_follows_a_station_that_adds_and_removes_parts_and_a_person_who_says_something() {
    let recording = Recording::new();
    let mut gallery = recording.gallery();
    let mut names = |after: Option<&str>, filter: Filter| -> Vec<String> {
        gallery.page(&filter, after, 100).unwrap().parts.into_iter().map(|part| part.name).collect()
    };
    assert_eq!(names(None, Filter::default()), [""; 0]);
    let paths: Vec<PathBuf> =
        (0..3).map(|part| recording.add(&name(part), &record(part, Verdict::Reject, 1.0))).collect();
    assert_eq!(names(None, Filter::default()), [name(2), name(1), name(0)]);
    fs::remove_file(&paths[1]).unwrap();
    recording.add(&name(3), &record(3, Verdict::Pass, 0.1));
    assert_eq!(names(None, Filter::default()), [name(3), name(2), name(0)]);
    // The part that a page ended with may be gone.
    assert_eq!(names(Some(&name(1)), Filter::default()), [name(0)]);
    let good = Filter { found: Some(Found::Good), ..Filter::default() };
    assert_eq!(names(None, good), [""; 0]);
    for (opinion, expected) in [(Opinion::Good, 1), (Opinion::Defect, 0), (Opinion::Good, 1)] {
        recording.say(&name(0), opinion);
        assert_eq!(names(None, good).len(), expected, "{opinion:?}");
    }
    fs::remove_dir_all(recording.folder_of(Verdict::Reject)).unwrap();
    assert_eq!(names(None, Filter::default()), [name(3)]);
}

#[test]
fn a_page_reads_no_more_records_than_it_shows() {
    let recording = Recording::new();
    for part in 0..3000 {
        let path = mvtec3d::path_in(&recording.folder_of(Verdict::Reject), "verdict", &name(part), "json").unwrap();
        fs::write(path, "").unwrap();
    }
    (2970..3000).for_each(|part| drop(recording.add(&name(part), &record(part, Verdict::Reject, 1.0))));
    let mut gallery = recording.gallery();
    let page = gallery.page(&Filter::default(), None, 30).unwrap();
    assert_eq!((page.parts.len(), page.unreadable, page.total), (30, 0, Some(3000)));
    // The others cannot be read, which is told and no error.
    let rest = gallery.page(&Filter::default(), page.next.as_deref(), 30).unwrap();
    assert_eq!((rest.parts.len(), rest.unreadable, rest.next), (0, 2970, None));
    let all = gallery.page(&Filter { recipe: Some(0), ..Filter::default() }, None, 100).unwrap();
    assert_eq!((all.parts.len(), all.unreadable), (30, 2970));
}

#[test]
fn what_is_no_name_of_a_part_leads_nowhere() {
    let recording = Recording::new();
    recording.add(&name(1), &record(1, Verdict::Reject, 1.0));
    fs::write(recording.folder.path().join("secret.json"), "{}").unwrap();
    let mut gallery = recording.gallery();
    let long = "x".repeat(1 << 16);
    for wrong in [
        "",
        ".",
        "..",
        "../secret",
        "../../../secret",
        "<script>alert(1)</script>",
        "s00000001-0000000001/../../../../../secret",
        "s00000001-0000000001\0",
        "/etc/passwd",
        &long,
    ] {
        for error in [gallery.part(wrong).unwrap_err(), gallery.page(&Filter::default(), Some(wrong), 1).unwrap_err()] {
            let text = error.to_string();
            assert!(matches!(error, ReviewError::Name { .. }) && text.len() < 400, "{wrong}: {text}");
        }
    }
    assert!(matches!(gallery.part(&name(2)), Err(ReviewError::NoPart { .. })));
    let longest = format!("s{}-{}", "0".repeat(1000), "0".repeat(1000));
    assert!(matches!(gallery.part(&longest), Err(ReviewError::NoPart { .. })));
    let none = Gallery::open(&recording.folder.path().join("parts")).map(drop).unwrap_err().to_string();
    assert!(none.contains("parts/test") && none.contains("[record]"), "{none}");
}
