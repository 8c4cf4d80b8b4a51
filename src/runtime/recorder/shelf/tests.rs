use super::*;
use crate::dataset::mvtec3d;
use crate::files::Together;
use crate::files::failing::{Plan, run_by};

const KINDS: [(&str, &str); 3] = [("rgb", "png"), ("xyz", "tiff"), (MARK, "json")];

fn write(test: &Path, kind: &str, stem: &str, bytes: usize) -> io::Result<()> {
    let path = |(folder, extension): (&str, &str)| test.join(kind).join(folder).join(format!("{stem}.{extension}"));
    for (folder, _) in KINDS {
        files::make_folder(&test.join(kind).join(folder))?;
    }
    let mut together = Together::new_marked_by(&path(KINDS[2]))?;
    for kind in &KINDS[..2] {
        together.add(&path(*kind), |file| io::Write::write_all(file, &vec![0; bytes]))?;
    }
    together.commit(|file| io::Write::write_all(file, &vec![0; bytes]))
}

fn name(part: u64) -> String {
    recording::name(1, part)
}

fn stems(shelf: &Shelf) -> Vec<&str> {
    shelf.parts.iter().map(|part| part.stem.as_str()).collect()
}

/// Files of the name, temporaries of theirs included.
fn files_named(test: &Path, stem: &str) -> usize {
    let kinds = folders(test).unwrap();
    let folders = kinds.iter().flat_map(|kind| folders(&kind.path()).unwrap());
    folders
        .flat_map(|f| fs::read_dir(f.path()).unwrap())
        .filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().contains(stem))
        .count()
}

#[test]
fn the_oldest_parts_go_first_whatever_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    let test = folder.path();
    write(test, "reject", "1700000000000-00000009", 100).unwrap();
    write(test, "good", &name(2), 100).unwrap();
    write(test, "reject", &name(3), 100).unwrap();
    let mut shelf = Shelf::open(test, 1000).unwrap();
    assert_eq!((stems(&shelf), shelf.bytes), (vec!["1700000000000-00000009", &name(2), &name(3)], 900));
    shelf.make_room().unwrap();
    assert_eq!((stems(&shelf), shelf.bytes), (vec![name(2).as_str(), &name(3)], 600));
    write(test, "good", &name(4), 120).unwrap();
    shelf.add("good", &name(4)).unwrap();
    // Room for one more as large as the largest.
    assert_eq!((stems(&shelf), shelf.bytes), (vec![name(4).as_str()], 360));
    let left = ["1700000000000-00000009", &name(2), &name(3), &name(4)].map(|stem| files_named(test, stem));
    assert_eq!(left, [0, 0, 0, 3]);
}

#[test]
fn wherever_the_writing_of_a_part_ends_nothing_of_it_stays_after_a_restart() {
    at_every_step(|test| write(test, "reject", &name(2), 10));
}

// To make room, the files of the oldest part are removed one after another.
#[test]
fn wherever_the_removal_of_a_part_ends_nothing_of_it_stays_after_a_restart() {
    at_every_step(|test| Shelf::open(test, 1).unwrap().make_room());
}

/// Ends `work` at each of its steps, on a recording of one part; after a restart parts are whole or not there.
fn at_every_step(work: impl Fn(&Path) -> io::Result<()>) {
    let run = |plan| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "reject", &name(1), 10).unwrap();
        let (_, steps) = run_by(plan, || work(folder.path()));
        // Readers go on with the parts that are whole.
        for entry in mvtec3d::folder_entries(&folder.path().join("reject"), None).unwrap() {
            assert_eq!(files_named(folder.path(), entry.name.strip_prefix("reject/").unwrap()), 3, "{plan:?}");
        }
        let shelf = Shelf::open(folder.path(), 1000).unwrap();
        for part in [1, 2] {
            let expected = if stems(&shelf).contains(&name(part).as_str()) { 3 } else { 0 };
            assert_eq!(files_named(folder.path(), &name(part)), expected, "{plan:?}, part {part}");
        }
        steps
    };
    let steps = run(Plan::None);
    assert!(steps > 5, "{steps}");
    for step in 0..steps {
        run(Plan::EndsAt(step));
    }
}

#[test]
fn half_parts_of_earlier_versions_go_and_what_a_person_put_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "good", &name(1), 10).unwrap();
    let put = |name: String| {
        let path = folder.path().join("good").join(name);
        fs::write(&path, b"half").unwrap();
        path
    };
    let gone = [put("rgb/.tmpAbC".into()), put("xyz/1700000000000-00000009.tiff".into())];
    let moved = ["rgb/1700000000000-00000007.png", "xyz/1700000000000-00000007.tiff"];
    let stays: Vec<PathBuf> =
        moved.into_iter().chain(["rgb/scratch.png", "xyz/other.tiff"]).map(|n| put(n.into())).collect();
    let mut shelf = Shelf::open(folder.path(), 1000).unwrap();
    assert!(gone.iter().all(|path| !path.exists()) && stays.iter().all(|path| path.exists()));
    assert_eq!(stems(&shelf), ["1700000000000-00000007", &name(1)]);
    shelf.quota_bytes = 0;
    shelf.make_room().unwrap();
    assert!(stays[2..].iter().all(|path| path.exists()) && stems(&shelf).is_empty());
}

/// What a person says of a part, `bytes` long.
fn find(test: &Path, kind: &str, stem: &str, bytes: usize) {
    files::make_folder(&test.join(kind).join(finding::FOLDER)).unwrap();
    fs::write(test.join(kind).join(finding::FOLDER).join(format!("{stem}.json")), vec![0; bytes]).unwrap();
}

#[test]
fn parts_of_which_a_person_has_said_something_go_last_and_with_their_findings() {
    let folder = tempfile::tempdir().unwrap();
    let test = folder.path();
    (1..=6).for_each(|part| write(test, "reject", &name(part), 100).unwrap());
    find(test, "reject", &name(1), 50);
    let mut shelf = Shelf::open(test, 2200).unwrap();
    assert_eq!(shelf.bytes, 1850);
    // One that comes while the station runs counts once its part is looked at.
    find(test, "reject", &name(2), 60);
    let files = || [1, 2, 3, 4, 5, 6, 7].map(|part| files_named(test, &name(part)));
    shelf.quota_bytes = 1500;
    shelf.make_room().unwrap();
    assert_eq!((files(), shelf.bytes, shelf.found_bytes), ([4, 4, 0, 0, 0, 3, 0], 1010, 710));
    // They may take half of the quota, so that new parts find room.
    find(test, "reject", &name(6), 60);
    write(test, "good", &name(7), 100).unwrap();
    shelf.add("good", &name(7)).unwrap();
    assert_eq!((files(), shelf.bytes, shelf.found_bytes), ([0, 4, 0, 0, 0, 4, 3], 1020, 720));
    shelf.quota_bytes = 0;
    shelf.make_room().unwrap();
    assert_eq!((shelf.bytes, shelf.found_bytes, files_named(test, "s0")), (0, 0, 0));
}
