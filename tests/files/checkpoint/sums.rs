//! Data whose bits have changed since it was saved is refused, where the file has a checksum.

use std::io::Cursor;

use crosscheck::model::checkpoint::CheckpointError;

use super::writer::{dict, golden, open, pickle, state_dict, tensor, text, zip_file};

/// The first refusal when the file is opened and every tensor of it is read; integers have no other fault.
fn fault(bytes: &[u8]) -> Option<String> {
    let checkpoint = match open(bytes) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return Some(error.to_string()),
    };
    let failed = checkpoint.tensors().keys().filter_map(|name| checkpoint.read(name).err());
    failed.into_iter().find(|e| !matches!(e, CheckpointError::NotWeights { .. })).map(|e| e.to_string())
}

/// Name and bytes of every entry of a ZIP file.
fn entries(file: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let count = archive.len();
    let one = |index| {
        let entry = archive.by_index(index).unwrap();
        let start = entry.data_start() as usize;
        (entry.name().to_owned(), start..start + entry.size() as usize)
    };
    (0..count).map(one).collect()
}

#[test]
fn every_flipped_bit_of_an_entry_is_refused_by_name() {
    for name in ["zip.pth", "zip64.pth"] {
        let file = std::fs::read(golden(name)).unwrap();
        assert_eq!(fault(&file), None, "{name}");
        let entries = entries(&file);
        assert!(
            ["archive/data.pkl", "archive/version", "archive/byteorder", "archive/data/0"]
                .iter()
                .all(|wanted| { entries.iter().any(|(name, range)| name == wanted && !range.is_empty()) })
        );
        for (entry, range) in entries {
            for bit in range.start * 8..range.end * 8 {
                let mut bent = file.clone();
                bent[bit / 8] ^= 1 << (bit % 8);
                let message = fault(&bent).unwrap_or_else(|| panic!("{name}: bit {bit}, in {entry}, is not noticed"));
                assert!(message.contains(&format!("{entry:?}")) && message.contains("CRC-32"), "{message}");
            }
        }
    }
}

/// Every tensor by name, as bits.
fn all(bytes: &[u8]) -> Result<Vec<(String, Vec<u32>)>, CheckpointError> {
    let checkpoint = open(bytes)?;
    let mut found = Vec::new();
    for name in checkpoint.tensors().keys() {
        match checkpoint.read(name) {
            Ok(values) => found.push((name.clone(), values.iter().map(|value| value.to_bits()).collect())),
            Err(CheckpointError::NotWeights { .. }) => found.push((name.clone(), Vec::new())),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[test]
fn no_flipped_bit_anywhere_gives_other_weights() {
    for name in ["zip.pth", "zip64.pth"] {
        let file = std::fs::read(golden(name)).unwrap();
        let whole = all(&file).unwrap();
        for bit in 0..file.len() * 8 {
            let mut bent = file.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            if let Ok(found) = all(&bent) {
                assert_eq!(found, whole, "{name}: bit {bit}");
            }
        }
    }
}

#[test]
fn a_directory_that_points_elsewhere_is_refused() {
    let values = |first: f32| vec![first, 2.0, 3.0];
    let tensors = [("a".to_owned(), vec![3], values(1.0)), ("b".to_owned(), vec![3], values(5.0))];
    let file = state_dict(&tensors);
    let at = file.windows(14).rposition(|window| window == b"archive/data/1").unwrap();
    let record = at - 46;
    assert_eq!(&file[record..record + 4], b"PK\x01\x02");
    let mut bent = file.clone();
    bent[record + 16] ^= 1;
    assert!(fault(&bent).unwrap().contains("\"archive/data/1\" has the CRC-32"));
    // The place of the entry before, whose size is the same.
    let before = file.windows(14).rposition(|window| window == b"archive/data/0").unwrap() - 46;
    let mut bent = file.clone();
    bent.copy_within(before + 42..before + 46, record + 42);
    assert!(fault(&bent).unwrap().contains("another name"));
}

#[test]
fn a_storage_is_checked_whole_though_a_tensor_covers_a_part() {
    let data = [1f32, 2.0, 3.0].map(f32::to_le_bytes).concat();
    let first = dict([(text("w"), tensor("FloatStorage", "0", 3, 0, &[1], &[1]))]);
    let file = zip_file(&pickle(&first), &[("0", &data), ("1", &data)]);
    let place = |name: &str| entries(&file).into_iter().find(|(entry, _)| entry == name).unwrap().1;
    let mut bent = file.clone();
    bent[place("archive/data/0").end - 1] ^= 0x10;
    let checkpoint = open(&bent).unwrap();
    for _ in 0..2 {
        assert!(checkpoint.read("w").unwrap_err().to_string().contains("\"archive/data/0\""));
    }
    // What no tensor is in is not read.
    let mut other = file.clone();
    other[place("archive/data/1").start] ^= 1;
    assert_eq!(open(&other).unwrap().read("w").unwrap(), [1.0]);
}

#[test]
fn entries_that_share_bytes_take_bounded_work() {
    let mut file = zip_file(&pickle(&dict([])), &[]);
    // One record of the directory, a thousand times: each would have the whole file read.
    let end = file.len() - 22;
    let directory = file.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let record = file[directory..end].to_vec();
    let name = record.windows(8).position(|window| window == b"data.pkl").unwrap();
    let size = (file.len() as u32).to_le_bytes();
    let mut records = record.clone();
    for number in 0..1000 {
        let mut other = record.clone();
        other[name..name + 8].copy_from_slice(format!("{number:08}").as_bytes());
        other[20..24].copy_from_slice(&size);
        other[24..28].copy_from_slice(&size);
        records.extend(other);
    }
    let tail = file.split_off(end);
    file.truncate(directory);
    file.extend(&records);
    file.extend(&tail);
    let end = file.len() - 22;
    file[end + 8..end + 10].copy_from_slice(&1001u16.to_le_bytes());
    file[end + 10..end + 12].copy_from_slice(&1001u16.to_le_bytes());
    file[end + 12..end + 16].copy_from_slice(&(records.len() as u32).to_le_bytes());
    assert!(fault(&file).unwrap().contains("overlap"), "{:?}", fault(&file));
}

#[test]
fn a_file_saved_without_checksums_is_read() {
    // As torch.serialization.set_crc32_options(False) has it written.
    let mut file = state_dict(&[("w".to_owned(), vec![2], vec![1.0, 2.0])]);
    let records: Vec<usize> = (0..file.len() - 4).filter(|at| file[*at..].starts_with(b"PK\x01\x02")).collect();
    records.into_iter().for_each(|at| file[at + 16..at + 20].fill(0));
    assert_eq!(open(&file).unwrap().read("w").unwrap(), [1.0, 2.0]);
}
