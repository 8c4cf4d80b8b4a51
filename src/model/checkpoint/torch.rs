//! What `torch.save` writes: a pickle of the object, and the raw numbers of its storages beside it, either in a ZIP file
//! (since 1.6) or one after another (before).

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::archive::Archive;
use super::pickle::{Id, Pickle, Value};
use super::source::Source;
use super::{CheckpointError, NAME_BYTES_MAX, RANK_MAX, TensorEntry};

const PICKLE_BYTES_MAX: u64 = 1 << 26;
/// 0x1950a86a20f9469cfc6c, the number that the first of a legacy file's pickles holds, as a pickle writes it.
pub(super) const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const LEGACY_PROTOCOL: i64 = 1001;
/// Where a training run's checkpoint keeps the weights, the first that is there; a teacher is what DINO publishes.
const HOLDERS: [&str; 6] = ["teacher", "model", "state_dict", "base_model", "student", "net"];
/// Holders inside holders, wrappers around wrappers.
const DEPTH_MAX: usize = 4;
const KEYS_SHOWN: usize = 8;

type Named = Vec<(String, TensorEntry)>;

/// A storage as the pickle speaks of it.
struct Storage<'a> {
    dtype: Dtype,
    key: &'a str,
    /// Numbers in it.
    count: u64,
    /// Numbers of it that precede the view that is meant.
    skip: u64,
}

impl Storage<'_> {
    fn bytes(&self) -> Option<u64> {
        self.count.checked_mul(self.dtype.bitsize() as u64 / 8)
    }
}

/// Reads a file of PyTorch 1.6 or later.
pub(super) fn open_zip(source: &Source) -> Result<Named, CheckpointError> {
    let archive = Archive::open(source)?;
    let roots: Vec<&str> = archive.names().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
    let [root] = roots[..] else {
        let found = archive.names().take(KEYS_SHOWN).collect::<Vec<_>>().join(", ");
        return Err(source.damaged(format!("expected one data.pkl in the ZIP file, found {found}")));
    };
    if let Some((at, size)) = archive.locate(&format!("{root}/byteorder"))? {
        let order = source.read(at, size.min(16))?;
        if order != b"little" {
            return Err(source.damaged("its numbers are big-endian; save it on a little-endian machine"));
        }
    }
    let (at, size) = archive.locate(&format!("{root}/data.pkl"))?.unwrap_or_default();
    if size > PICKLE_BYTES_MAX {
        return Err(source.damaged(format!("a pickle of {size} bytes, above the limit of {PICKLE_BYTES_MAX}")));
    }
    let bytes = source.read(at, size)?;
    let pickle = Pickle::read(&bytes).map_err(|e| source.damaged(e))?;
    tensors(source, &pickle, |storage| {
        let found = archive.locate(&format!("{root}/data/{}", storage.key))?;
        let fits = found.filter(|(_, size)| storage.bytes() == Some(*size));
        fits.map(|(start, _)| start).ok_or_else(|| wrong_storage(source, storage, found.map(|(_, size)| size)))
    })
}

/// Reads a file of PyTorch before 1.6.
pub(super) fn open_legacy(source: &Source) -> Result<Named, CheckpointError> {
    let bytes = source.read(0, source.len.min(PICKLE_BYTES_MAX))?;
    let mut at = 0;
    let mut next = || {
        let pickle = Pickle::read(&bytes[at..]).map_err(|e| source.damaged(e))?;
        at += pickle.len;
        Ok::<_, CheckpointError>(pickle)
    };
    let (_magic, protocol, system, main, keys) = (next()?, next()?, next()?, next()?, next()?);
    if protocol.int(protocol.root) != Some(LEGACY_PROTOCOL) {
        return Err(source.damaged(format!("expected version {LEGACY_PROTOCOL} of the format before PyTorch 1.6")));
    }
    if let Value::Dict(facts) = system.value(system.root)
        && let Some(Value::Bool(false)) = system.get(facts, "little_endian").map(|id| system.value(id))
    {
        return Err(source.damaged("its numbers are big-endian; save it on a little-endian machine"));
    }
    let starts = legacy_storages(source, &main, &keys, at as u64)?;
    tensors(source, &main, |storage| {
        let found = starts.get(storage.key);
        let fits = found.filter(|(_, size)| storage.bytes() == Some(*size));
        fits.map(|(start, _)| *start).ok_or_else(|| wrong_storage(source, storage, found.map(|(_, size)| *size)))
    })
}

/// First byte and size of each storage: for every key its count in eight bytes, then its numbers.
fn legacy_storages<'a>(
    source: &Source,
    main: &Pickle<'a>,
    keys: &Pickle<'a>,
    mut at: u64,
) -> Result<BTreeMap<&'a str, (u64, u64)>, CheckpointError> {
    let mut known = BTreeMap::new();
    for value in main.values() {
        if let Value::Persistent(id) = value
            && let Some(storage) = storage(main, *id).map_err(|e| source.damaged(e))?
        {
            known.insert(storage.key, storage);
        }
    }
    let Value::List(list) = keys.value(keys.root) else {
        return Err(source.damaged("expected a list of storages after its pickle"));
    };
    let mut starts = BTreeMap::new();
    for key in list {
        let storage = keys.text(*key).and_then(|key| known.get(key));
        let storage = storage.ok_or_else(|| source.damaged("a storage that its pickle does not speak of"))?;
        let mut count = [0; 8];
        count.copy_from_slice(&source.read(at, 8)?);
        let (count, start) = (u64::from_le_bytes(count), at + 8);
        let size = storage.bytes().filter(|size| count == storage.count && *size <= source.len - start);
        let size = size.ok_or_else(|| {
            let Storage { dtype, key, count: expected, .. } = storage;
            let left = source.len - start;
            source.damaged(format!(
                "expected {expected} numbers of {dtype} in storage {key:?}, found {count} in the {left} bytes left"
            ))
        })?;
        starts.insert(storage.key, (start, size));
        at = start + size;
    }
    Ok(starts)
}

fn wrong_storage(source: &Source, storage: &Storage, found: Option<u64>) -> CheckpointError {
    let Storage { dtype, key, count, .. } = storage;
    let found = found.map_or("nothing".into(), |bytes| format!("{bytes} bytes"));
    source.damaged(format!("expected {count} numbers of {dtype} in storage {key:?}, found {found}"))
}

/// The root's tensors; `locate` gives the first byte of a storage whose size it has checked.
fn tensors(
    source: &Source,
    pickle: &Pickle,
    locate: impl Fn(&Storage) -> Result<u64, CheckpointError>,
) -> Result<Named, CheckpointError> {
    let mut named = Vec::new();
    let items = state_dict(pickle).map_err(|e| source.damaged(e))?;
    for (key, value) in items {
        let Some(name) = pickle.text(*key).filter(|name| name.len() <= NAME_BYTES_MAX) else { continue };
        let failed = |reason: String| source.damaged(format!("tensor {name}: {reason}"));
        let Some(tensor) = tensor(pickle, *value).map_err(failed)? else { continue };
        let storage = &tensor.storage;
        let last = super::span(&tensor.shape, &tensor.strides).and_then(|span| span.checked_add(tensor.offset));
        if last.is_none_or(|last| last > storage.count) {
            let (shape, strides, count) = (&tensor.shape, &tensor.strides, storage.count);
            return Err(failed(format!("shape {shape:?} with strides {strides:?} leaves its storage of {count}")));
        }
        // Within a storage that lies within the file: this cannot overflow.
        let start = locate(storage)? + tensor.offset * (storage.dtype.bitsize() as u64 / 8);
        let (shape, dtype, strides) = (tensor.shape, storage.dtype, tensor.strides);
        named.push((name.to_owned(), TensorEntry { shape, dtype, strides, start }));
    }
    if named.is_empty() {
        let keys = items.iter().filter_map(|(key, _)| pickle.text(*key)).filter(|key| key.len() <= NAME_BYTES_MAX);
        let keys = keys.take(KEYS_SHOWN).collect::<Vec<_>>().join(", ");
        return Err(source.damaged(format!("expected a dict of tensors by name, found one of: {keys}")));
    }
    Ok(named)
}

fn state_dict<'p>(pickle: &'p Pickle) -> Result<&'p [(Id, Id)], String> {
    let mut id = pickle.root;
    for _ in 0..DEPTH_MAX {
        let Value::Dict(items) = pickle.value(id) else {
            return Err("expected a dict of tensors; save the model's state_dict() instead of the model".into());
        };
        let held = |key: &&str| pickle.get(items, key).filter(|id| matches!(pickle.value(*id), Value::Dict(_)));
        match HOLDERS.iter().find_map(held) {
            Some(inner) => id = inner,
            None => return Ok(items),
        }
    }
    Err(format!("dicts within dicts, deeper than {DEPTH_MAX}"))
}

struct Tensor<'a> {
    storage: Storage<'a>,
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<u64>,
}

/// What a tensor's pickle says, `None` if the value is something else.
fn tensor<'a>(pickle: &Pickle<'a>, mut id: Id) -> Result<Option<Tensor<'a>>, String> {
    for _ in 0..DEPTH_MAX {
        let Value::Call { callable, arguments } = pickle.value(id) else { return Ok(None) };
        let Some(arguments) = pickle.tuple(*arguments) else { return Ok(None) };
        match (pickle.global(*callable), arguments) {
            (Some(("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")), [data, ..]) => id = *data,
            (Some(("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor")), [data, offset, shape, strides, ..]) => {
                return rebuilt(pickle, [*data, *offset, *shape, *strides]);
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn rebuilt<'a>(pickle: &Pickle<'a>, [data, offset, shape, strides]: [Id; 4]) -> Result<Option<Tensor<'a>>, String> {
    let Value::Persistent(data) = pickle.value(data) else { return Err("it has no storage".into()) };
    let Some(storage) = storage(pickle, *data)? else { return Ok(None) };
    let natural = |id: Id| pickle.int(id).and_then(|n| u64::try_from(n).ok());
    let naturals = |id: Id| {
        let items = pickle.tuple(id).filter(|items| items.len() <= RANK_MAX)?;
        items.iter().map(|id| natural(*id)).collect::<Option<Vec<u64>>>()
    };
    let found = (|| {
        let (shape, strides) = (naturals(shape)?, naturals(strides)?);
        let offset = natural(offset)?.checked_add(storage.skip)?;
        let shape = shape.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
        (shape.len() == strides.len()).then_some((offset, shape, strides))
    })();
    let (offset, shape, strides) =
        found.ok_or_else(|| format!("expected an offset, and at most {RANK_MAX} sizes with as many strides"))?;
    Ok(Some(Tensor { storage, offset, shape, strides }))
}

/// The storage named by a persistent id: ("storage", type, key, place, count), in old files with a view's
/// (key, offset, count) or None at the end. `None` for another kind of id or a type that is no number of ours.
fn storage<'a>(pickle: &Pickle<'a>, id: Id) -> Result<Option<Storage<'a>>, String> {
    let Some([kind, class, key, _, count, view @ ..]) = pickle.tuple(id) else { return Ok(None) };
    if pickle.text(*kind) != Some("storage") {
        return Ok(None);
    }
    let Some(("torch", class)) = pickle.global(*class) else { return Ok(None) };
    let Some(dtype) = storage_dtype(class) else { return Ok(None) };
    let skip = match view.first().map(|id| pickle.value(*id)) {
        None | Some(Value::None) => Some(0),
        Some(Value::Tuple(view)) => view.get(1).and_then(|id| pickle.int(*id)),
        Some(_) => None,
    };
    let natural = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    let key = pickle.text(*key).filter(|key| key.len() <= NAME_BYTES_MAX);
    let (Some(key), Some(count), Some(skip)) = (key, natural(pickle.int(*count)), natural(skip)) else {
        return Err("a storage without key or count".into());
    };
    Ok(Some(Storage { dtype, key, count, skip }))
}

fn storage_dtype(class: &str) -> Option<Dtype> {
    Some(match class {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        _ => return None,
    })
}
