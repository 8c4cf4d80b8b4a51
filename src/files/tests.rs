use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::failing::{Plan, run_by};
use super::*;

/// Every file under `folder` with what is in it; folders as empty ones.
fn content(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        }
        found.insert(path.clone(), fs::read_to_string(&path).unwrap_or_default());
    }
    found
}

/// Runs `work` on folders made by `before`: once whole, then failing at each of its steps, then ending at each.
/// `judge` sees each folder afterwards, with whether `work` succeeded.
fn at_every_step(before: impl Fn(&Path), work: impl Fn(&Path) -> io::Result<()>, judge: impl Fn(&Path, Plan, bool)) {
    let run = |plan| {
        let folder = tempfile::tempdir().unwrap();
        before(folder.path());
        let (result, steps) = run_by(plan, || work(folder.path()));
        judge(folder.path(), plan, result.is_ok());
        steps
    };
    let steps = run(Plan::None);
    assert!(steps >= 4, "{steps}");
    (0..steps).for_each(|step| {
        run(Plan::FailsAt(step));
        run(Plan::EndsAt(step));
    });
}

const TEXTS: [&str; 2] = ["old", "new"];

fn write_text(path: &Path, text: &str) -> io::Result<()> {
    // In two pieces, so that a write may fail between them.
    write_whole(path, |f| f.write_all(&text.as_bytes()[..1]).and_then(|()| f.write_all(&text.as_bytes()[1..])))
}

#[test]
fn a_file_is_the_old_or_the_new_one_wherever_its_writer_fails_or_ends() {
    let work = |folder: &Path| write_text(&folder.join("file"), "new");
    let judge = |folder: &Path, plan: Plan, ok: bool| {
        let text = fs::read_to_string(folder.join("file")).unwrap();
        assert!(TEXTS.contains(&text.as_str()) && (!ok || text == "new"), "{plan:?} {text}");
        let others = content(folder).len() - 1;
        assert!(others == 0 || matches!(plan, Plan::EndsAt(_)), "{plan:?} {:?}", content(folder));
        work(folder).unwrap();
        assert_eq!(content(folder), BTreeMap::from([(folder.join("file"), "new".into())]), "{plan:?}");
    };
    at_every_step(|folder| write_text(&folder.join("file"), "old").unwrap(), work, judge);
}

// A PNG's last bytes are written when its encoder is dropped, and a full disk was not told of.
#[test]
fn a_write_that_failed_without_a_word_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let careless = |f: &mut Temporary| {
        let _ = f.write(b"half");
        f.write_all(b"rest")
    };
    let (steps, mut failed) = (run_by(Plan::None, || write_whole(&path, careless).unwrap()).1, 0);
    for step in 0..steps {
        std::fs::remove_file(&path).unwrap_or_default();
        let (result, _) = run_by(Plan::FailsAt(step), || write_whole(&path, careless));
        assert!(result.is_err(), "step {step}");
        assert!(!path.exists() || step + 1 == steps, "step {step}");
        failed += 1;
    }
    assert!(failed >= 5, "{failed}");
}

fn write_three(folder: &Path, text: &str) -> io::Result<()> {
    make_folder(&folder.join("a"))?;
    make_folder(&folder.join("b"))?;
    let mut together = Together::marked_by(&folder.join("b/mark"))?;
    for name in ["a/one", "a/two"] {
        together.add(&folder.join(name), |f| f.write_all(text.as_bytes()))?;
    }
    together.commit(|f| f.write_all(text.as_bytes()))
}

#[test]
fn where_the_mark_is_all_files_are_and_where_it_is_not_its_temporary_tells() {
    let judge = |folder: &Path, plan: Plan, ok: bool| {
        let there = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let [one, two, mark] = ["a/one", "a/two", "b/mark"].map(there);
        if mark.is_some() {
            assert!([&one, &two, &mark].iter().all(|text| text.as_deref() == Some("new")), "{plan:?}");
        } else {
            assert!(!ok, "{plan:?}");
            let told = unfinished(&folder.join("b")).is_ok_and(|names| names == ["mark"]);
            assert!(told || (one.is_none() && two.is_none()), "{plan:?} {:?}", content(folder));
        }
    };
    at_every_step(|_| (), |folder| write_three(folder, "new"), judge);
}

#[test]
fn a_mark_never_stands_beside_files_of_another_writing() {
    let judge = |folder: &Path, plan: Plan, ok: bool| {
        let there = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let mark = there("b/mark");
        let equal = ["a/one", "a/two"].iter().all(|name| there(name) == mark);
        assert!(mark.is_none() || equal, "{plan:?}");
        assert!(!ok || mark.as_deref() == Some("new"), "{plan:?}");
        write_three(folder, "new").unwrap();
        assert_eq!(["a/one", "a/two", "b/mark"].map(there).map(Option::unwrap), ["new"; 3]);
    };
    at_every_step(|folder| write_three(folder, "old").unwrap(), |folder| write_three(folder, "new"), judge);
}

fn move_three(folder: &Path, text: &str) -> io::Result<()> {
    let new = NewFolder::beside(&folder.join("b/mark"))?;
    make_folder(&new.path().join("a"))?;
    ["a/one", "a/two", "b/mark"]
        .map(|name| name.replace("b/", ""))
        .iter()
        .try_for_each(|name| write_text(&new.path().join(name), text))?;
    make_folder(&folder.join("b"))?;
    new.move_into(&folder.join("b"), "mark")
}

#[test]
fn files_that_are_moved_into_a_folder_stand_beside_the_mark_of_their_own_run() {
    let judge = |folder: &Path, plan: Plan, ok: bool| {
        let there = |name: &str| fs::read_to_string(folder.join("b").join(name)).ok();
        let mark = there("mark");
        let equal = ["a/one", "a/two"].iter().all(|name| there(name) == mark);
        assert!((mark.is_none() || equal) && (!ok || mark.as_deref() == Some("new")), "{plan:?}");
        move_three(folder, "new").unwrap();
        assert_eq!(["a/one", "a/two", "mark"].map(there).map(Option::unwrap), ["new"; 3]);
        assert_eq!(content(folder).len(), 5, "{plan:?} {:?}", content(folder));
    };
    at_every_step(|folder| move_three(folder, "old").unwrap(), |folder| move_three(folder, "new"), judge);
}

fn write_folder(folder: &Path) -> io::Result<()> {
    let target = folder.join("parts/puck");
    let new = NewFolder::beside(&target)?;
    make_folder(&new.path().join("train/good"))?;
    write_text(&new.path().join("train/good/file"), "new")?;
    new.rename_to(&target)
}

#[test]
fn a_folder_appears_whole_and_nothing_stays_of_one_that_did_not() {
    let judge = |folder: &Path, plan: Plan, ok: bool| {
        let file = folder.join("parts/puck/train/good/file");
        let whole = fs::read_to_string(&file).is_ok_and(|text| text == "new");
        assert!(whole || !folder.join("parts/puck").exists(), "{plan:?}");
        assert!(whole || !ok, "{plan:?}");
        if !whole {
            write_folder(folder).unwrap();
            assert_eq!(content(&folder.join("parts")).len(), 4, "{plan:?}");
        }
    };
    at_every_step(|_| (), write_folder, judge);
}

#[test]
fn what_a_living_writer_holds_and_what_is_of_others_stays() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("file");
    let living = Temporary::beside(&target).unwrap();
    let others = [".file.tmp", ".file.tmpabc", ".file.tmpabcdefg", ".file.tmpabcde-", ".tmpabcdef", ".other.tmpabcdef"];
    others.iter().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
    let left = folder.path().join(".file.tmpAbCdE1");
    fs::write(&left, "half").unwrap();
    write_text(&target, "new").unwrap();
    assert!(!left.exists() && living.path().exists());
    assert!(others.iter().all(|name| folder.path().join(name).exists()));
    drop(living);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len() + 1);
}

#[test]
fn a_target_that_cannot_be_written_is_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    check_target(&folder.path().join("file")).unwrap();
    assert_eq!(content(folder.path()).len(), 0);
    let refused = |name: &str| check_target(&folder.path().join(name)).unwrap_err().to_string();
    assert!(refused("none/file").contains("make it first"));
    assert!(refused("").contains("folder"));
    // The first write fails, as it does in a folder without the permission to write or on a full disk.
    let (refused, _) = run_by(Plan::FailsAt(0), || check_target(&folder.path().join("file")));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn the_longest_name_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let name = "ü".repeat(127);
    write_text(&folder.path().join(&name), "old").unwrap();
    write_text(&folder.path().join(&name), "new").unwrap();
    assert_eq!(content(folder.path()).len(), 1);
}
