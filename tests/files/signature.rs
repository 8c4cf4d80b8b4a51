//! Engines that only one who has the key could have written. `made/` is what the tool minisign 0.11 made (`minisign -G
//! -W`, `minisign -S`, with `-l` for legacy.minisig).

use std::path::{Path, PathBuf};

use crosscheck::config::Station;
use crosscheck::doctor::{Status, System, examine};
use crosscheck::model::engine_file::{Engine, EngineError, Source};
use crosscheck::runtime::judgement::{Judgement, JudgementError};
use crosscheck::runtime::last_run::Kept;
use crosscheck::signature::{self, Keys, Protection, SignatureError};
use crosscheck::station::reload::Reloader;
use tempfile::TempDir;

use crate::support::small_engine::engine;

fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/signature/made").join(name)
}

/// A folder with an engine that key `a` signed, and another key `b`.
struct Desk {
    folder: TempDir,
    a: String,
    b: String,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| signature::new_key(&folder.path().join(name), Protection::None).unwrap());
        let desk = Self { folder, a, b };
        engine(1.0).write(&desk.engine()).unwrap();
        desk.sign("a");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn engine(&self) -> PathBuf {
        self.path("engine.safetensors")
    }

    fn sign(&self, key: &str) -> String {
        let path = self.engine();
        signature::sign(&path, &std::fs::read(&path).unwrap(), &self.path(key)).unwrap()
    }

    fn read(&self, keys: &[&str]) -> Result<String, EngineError> {
        let keys: Vec<String> = keys.iter().map(|key| key.to_string()).collect();
        Engine::read_signed(&self.engine(), &Keys::read(&keys)?).map(|(_, signer)| signer)
    }

    fn refused(&self, keys: &[&str]) -> SignatureError {
        match self.read(keys).expect_err("it was taken") {
            EngineError::Signature(error) => error,
            error => panic!("{error}"),
        }
    }

    /// With these lines in [engine].
    fn station(&self, lines: &str) -> Station {
        let text = format!(
            "[engine]\npath = \"engine.safetensors\"\n{lines}\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \
             \"free\"\n[reject]\ndelay_ms = 500\ndecision_lead_ms = 20\npulse_ms = 20\n[actuator]\nsink = \"log\"\n"
        );
        std::fs::write(self.path("station.toml"), text).unwrap();
        Station::read(&self.path("station.toml")).unwrap()
    }
}

#[test]
fn an_engine_is_taken_with_the_signature_of_one_of_the_keys() {
    let desk = Desk::new();
    let signer = desk.read(&[&desk.a]).unwrap();
    assert_eq!(desk.read(&[&desk.b, &desk.a]).unwrap(), signer);
    // A key's file is as good as its text.
    assert_eq!(desk.read(&[desk.path("a.pub").to_str().unwrap()]).unwrap(), signer);
    assert_eq!(signature::claimed(&desk.engine()).unwrap(), Some(signer));
    let read = Engine::read_signed(&desk.engine(), &Keys::read(std::slice::from_ref(&desk.a)).unwrap()).unwrap().0;
    assert_eq!(read.weights, engine(1.0).weights);
}

#[test]
fn no_signature_or_that_of_another_key_is_refused_by_name() {
    let desk = Desk::new();
    let error = desk.refused(&[&desk.b]);
    assert!(matches!(error, SignatureError::OtherKey { .. }), "{error}");
    let numbers = [&desk.a, &desk.b].map(|key| Keys::read(std::slice::from_ref(key)).unwrap().ids());
    for part in [&numbers[0], &numbers[1], "engine.safetensors", "engine.safetensors.minisig", "add the key"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    std::fs::remove_file(signature::path_of(&desk.engine())).unwrap();
    let error = desk.refused(&[&desk.a]);
    assert!(matches!(error, SignatureError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("crosscheck sign"), "{error}");
    // No keys: anyone's is taken.
    Engine::read(&desk.engine()).unwrap();
}

#[test]
fn what_was_changed_after_signing_is_refused_wherever_it_was() {
    let desk = Desk::new();
    let (path, whole) = (desk.engine(), std::fs::read(desk.engine()).unwrap());
    let header = 8 + u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    // Of the header every 7th byte, JSON's white space included, which the content hash does not see.
    for at in (0..header).step_by(7).chain((header..whole.len()).step_by(997)).chain([whole.len() - 1]) {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        std::fs::write(&path, &bent).unwrap();
        let error = desk.refused(&[&desk.a]);
        assert!(matches!(error, SignatureError::Wrong { .. }), "byte {at}: {error}");
    }
    for other in [&whole[..whole.len() - 1], &[whole.as_slice(), b"x"].concat(), b"", b"no engine at all"] {
        std::fs::write(&path, other).unwrap();
        assert!(matches!(desk.refused(&[&desk.a]), SignatureError::Wrong { .. }));
    }
    // An engine that is sound, and was not signed.
    engine(2.0).write(&path).unwrap();
    assert!(matches!(desk.refused(&[&desk.a]), SignatureError::Wrong { .. }));
    desk.sign("a");
    desk.read(&[&desk.a]).unwrap();
}

#[test]
fn a_signature_that_was_bent_is_refused_and_never_panics() {
    let desk = Desk::new();
    let path = signature::path_of(&desk.engine());
    let whole = std::fs::read(&path).unwrap();
    let lines: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..2000 {
        let mut bent = whole.clone();
        match round % 3 {
            0 => bent.truncate(random.usize(..whole.len() - 1)),
            1 => drop(bent.remove(random.usize(lines[0] + 1..whole.len() - 1))),
            // The first line is a comment that nobody signs.
            _ => bent[random.usize(lines[0] + 1..whole.len() - 1)] = random.u8(..),
        }
        std::fs::write(&path, &bent).unwrap();
        let _ = signature::claimed(&desk.engine());
        match desk.read(&[&desk.a]) {
            Err(EngineError::Signature(_)) => {}
            // The same once more, or other bits behind the last of a Base64 text, or white space at an end.
            Ok(_) => assert!(bent == whole || bent.trim_ascii_end() != whole, "{:?}", bent.escape_ascii()),
            Err(error) => panic!("{error}"),
        }
    }
    std::fs::write(&path, vec![b'\n'; 1 << 20]).unwrap();
    assert!(desk.refused(&[&desk.a]).to_string().contains("more than 4096 bytes"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(desk.refused(&[&desk.a]).to_string().contains("no ordinary file"));
}

#[test]
fn a_file_without_end_is_not_read_into_memory() {
    let desk = Desk::new();
    std::fs::File::options().write(true).open(desk.engine()).unwrap().set_len(1 << 40).unwrap();
    let error = desk.read(&[&desk.a]).unwrap_err().to_string();
    assert!(error.contains("engine.safetensors") && error.contains("above the limit"), "{error}");
}

#[test]
fn what_minisign_made_is_understood() {
    let bytes = std::fs::read(made("message")).unwrap();
    let keys = Keys::read(&[made("tool.pub").to_string_lossy().into_owned()]).unwrap();
    let signer = keys.check(&made("message"), &bytes).unwrap();
    let comment = std::fs::read_to_string(made("tool.pub")).unwrap();
    assert!(comment.lines().next().unwrap().ends_with(&signer), "{comment} {signer}");
    assert!(keys.check(&made("message"), b"another\n").is_err());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message");
    std::fs::copy(made("legacy.minisig"), signature::path_of(&file)).unwrap();
    // The signature of the file's own bytes, and not of their hash: it has to be in memory for it.
    assert!(keys.check(&file, &bytes).unwrap_err().to_string().contains("Legacy"));
}

#[test]
fn a_secret_key_is_its_owners_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let mode = |name: &str| std::fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a"), mode("a.pub")), (0o600, 0o644));
    let before = ["a", "a.pub"].map(|name| std::fs::read(desk.path(name)).unwrap());
    let again = |name: &str| signature::new_key(&desk.path(name), Protection::None).unwrap_err().to_string();
    assert!(again("a").contains("there already"));
    assert_eq!(["a", "a.pub"].map(|name| std::fs::read(desk.path(name)).unwrap()), before);
    // One of the two is enough, and the other is not left.
    std::fs::write(desk.path("c"), "mine").unwrap();
    assert!(again("c").contains("there already"));
    assert!(!desk.path("c.pub").exists() && std::fs::read(desk.path("c")).unwrap() == b"mine");
    assert!(again("none/d").contains("none/d"));
    // What is no secret key, and a public one.
    for name in ["c", "a.pub", "none"] {
        let error = signature::sign(&desk.engine(), b"", &desk.path(name)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("secret key"), "{error}");
    }
}

#[test]
fn a_station_with_keys_takes_no_other_engine_at_its_start_or_on_a_reload() {
    let desk = Desk::new();
    let station = desk.station(&format!("keys = [{:?}]", desk.a));
    let judge = Judgement::from_station(&station).unwrap().judge;
    let mut reloader = Reloader::new(desk.path("station.toml"), station.clone(), station, judge, Kept::default());
    assert!(reloader.reload(None, true).is_ok());
    // The same engine under another key, and then another engine under the old signature.
    desk.sign("b");
    let Err(error) = reloader.reload(None, true) else { panic!("it was taken") };
    assert!(error.to_string().contains("is by key"), "{error}");
    desk.sign("a");
    engine(0.5).write(&desk.engine()).unwrap();
    let Err(error) = reloader.reload(None, true) else { panic!("it was taken") };
    assert!(error.to_string().contains("not what key"), "{error}");
    desk.sign("a");
    assert!(reloader.reload(None, true).is_ok());
    // A key that comes later holds from the reload on.
    let station = desk.station("keys = [\"b.pub\"]");
    assert!(reloader.reload(None, true).is_err());
    let Err(error) = Judgement::from_station(&station) else { panic!("it was taken") };
    assert!(
        matches!(error, JudgementError::Engine(EngineError::Signature(SignatureError::OtherKey { .. }))),
        "{error}"
    );
    for (keys, words) in [("\"c.pub\"", "c.pub"), ("\"RWQ\"", "no public key"), ("\"station.toml\"", "no public key")] {
        let Err(error) = Judgement::from_station(&desk.station(&format!("keys = [{keys}]"))) else { panic!("{keys}") };
        assert!(error.to_string().contains(words), "{error}");
    }
    let empty = std::fs::read_to_string(desk.path("station.toml")).unwrap().replace("[\"station.toml\"]", "[]");
    let error = Station::parse(&empty, &desk.path("station.toml")).unwrap_err().to_string();
    assert!(error.contains("engine.keys is empty"), "{error}");
}

#[test]
fn doctor_says_who_signed() {
    let desk = Desk::new();
    let found = |lines: &str| {
        let findings = examine(&System::at(desk.folder.path()), Some(&desk.station(lines)));
        let of = |name: &str| findings.iter().find(|finding| finding.name == name).unwrap().clone();
        (of("engine").status, of("engine.signature"))
    };
    let mut imported = engine(1.0);
    imported.metadata.provenance.push(Source::Stated(vec!["groups of 128 points".into()]));
    imported.write(&desk.engine()).unwrap();
    desk.sign("a");
    // The record shows what was only claimed about the mappings.
    let findings = examine(&System::at(desk.folder.path()), Some(&desk.station("")));
    assert!(
        findings.iter().any(|finding| finding.found.contains("imported with the assumptions: groups of 128 points"))
    );
    let number = Keys::read(std::slice::from_ref(&desk.a)).unwrap().ids();
    let (engine, finding) = found("keys = [\"a.pub\"]");
    assert_eq!((engine, finding.status, finding.found), (Status::Ok, Status::Ok, format!("signed by key {number}")));
    let (engine, finding) = found("keys = [\"b.pub\"]");
    assert_eq!((engine, finding.status), (Status::Error, Status::Error));
    let (_, finding) = found("");
    assert!(finding.status == Status::Warning && finding.found.contains("no keys are configured"), "{finding:?}");
    std::fs::remove_file(signature::path_of(&desk.engine())).unwrap();
    let (_, finding) = found("");
    assert!(finding.status == Status::Note && finding.found.contains("not signed"), "{finding:?}");
    let (_, finding) = found("keys = [\"a.pub\"]");
    assert!(finding.status == Status::Error && finding.found.contains("has no signature"), "{finding:?}");
}
