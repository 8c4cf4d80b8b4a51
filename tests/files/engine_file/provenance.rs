//! Where an engine's parts came from, and what the user only claimed about them.

use crosscheck::model::engine_file::{Engine, Source, Storage};

use super::{Stored, bytes_of, engine};

fn file(part: &str) -> Source {
    Source::File { part: part.into(), name: format!("{part}.pth"), sha256: "00".into() }
}

#[test]
fn what_was_stated_of_mappings_stays_until_others_replace_them() {
    let mut imported = engine(Storage::F32);
    let stated = Source::Stated(vec!["groups of 128 points".into()]);
    imported.metadata.provenance =
        vec![file("rgb"), file("xyz"), file("map_rgb_to_xyz"), file("map_xyz_to_rgb"), stated];
    let bytes = bytes_of(&imported);
    let mut read = Engine::read(&Stored::new(&bytes).path).unwrap();
    assert_eq!(read.metadata, imported.metadata);
    read.metadata.forget_mappings();
    assert_eq!(read.metadata.provenance, [file("rgb"), file("xyz")]);
}
