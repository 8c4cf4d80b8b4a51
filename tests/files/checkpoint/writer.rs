//! Weight files and pickles made by hand.

use std::io::{Cursor, Write};
use std::path::PathBuf;

use crosscheck::model::checkpoint::{Checkpoint, CheckpointError};
use zip::write::SimpleFileOptions;

pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoints").join(name)
}

/// Opens `bytes` as a file.
pub fn open(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Checkpoint::open(file.path())
}

/// The message of what must fail.
pub fn refusal(bytes: &[u8]) -> String {
    open(bytes).err().expect("an error").to_string()
}

/// A file of PyTorch 1.6 or later.
pub fn zip_file(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let pickle = [("data.pkl".to_owned(), pickle)];
    let storages = storages.iter().map(|(key, data)| (format!("data/{key}"), *data));
    for (name, data) in pickle.into_iter().chain(storages) {
        writer.start_file(format!("archive/{name}"), options).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Name, shape and values of an f32 tensor.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

/// A state dict of f32 tensors, one storage each.
pub fn state_dict(tensors: &[Tensor]) -> Vec<u8> {
    let (items, storages) = items(tensors, "");
    saved(&dict(items), &storages)
}

/// A dict of state dicts, by their keys.
pub fn dicts(held: &[(&str, &[Tensor])]) -> Vec<u8> {
    let (mut outer, mut all) = (Vec::new(), Vec::new());
    for (key, tensors) in held {
        let (items, storages) = items(tensors, key);
        outer.push((text(key), dict(items)));
        all.extend(storages);
    }
    saved(&dict(outer), &all)
}

pub fn saved(value: &[u8], storages: &[(String, Vec<u8>)]) -> Vec<u8> {
    let storages: Vec<(&str, &[u8])> = storages.iter().map(|(key, data)| (key.as_str(), data.as_slice())).collect();
    zip_file(&pickle(value), &storages)
}

pub type Items = Vec<(Vec<u8>, Vec<u8>)>;

/// A dict's items, and the storages of `tensors`, whose keys begin with `key`.
pub fn items(tensors: &[Tensor], key: &str) -> (Items, Vec<(String, Vec<u8>)>) {
    let one = |(number, (name, shape, values)): (usize, &Tensor)| {
        let key = format!("{key}{number}");
        let mut strides = vec![1i64; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis] as i64;
        }
        let shape: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        let pickled = tensor("FloatStorage", &key, values.len() as i64, 0, &shape, &strides);
        ((text(name), pickled), (key, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
    };
    tensors.iter().enumerate().map(one).unzip()
}

pub fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

pub fn text(value: &str) -> Vec<u8> {
    [b"X", &(value.len() as u32).to_le_bytes()[..], value.as_bytes()].concat()
}

/// LONG1 of eight bytes.
pub fn int(value: i64) -> Vec<u8> {
    [&b"\x8a\x08"[..], &value.to_le_bytes()].concat()
}

pub fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", items.concat().as_slice(), b"t"].concat()
}

pub fn dict(items: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let items: Vec<u8> = items.into_iter().flat_map(|(key, value)| [key, value].concat()).collect();
    [b"}(", items.as_slice(), b"u"].concat()
}

pub fn call(module: &str, name: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    [format!("c{module}\n{name}\n").as_bytes(), &tuple(arguments), b"R"].concat()
}

pub fn tensor(class: &str, key: &str, count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let class = format!("ctorch\n{class}\n").into_bytes();
    let storage = [tuple(&[text("storage"), class, text(key), text("cpu"), int(count)]), b"Q".to_vec()].concat();
    let numbers = |values: &[i64]| tuple(&values.iter().map(|n| int(*n)).collect::<Vec<_>>());
    let arguments = [storage, int(offset), numbers(shape), numbers(strides), b"\x89".to_vec(), b"}".to_vec()];
    call("torch._utils", "_rebuild_tensor_v2", &arguments)
}
