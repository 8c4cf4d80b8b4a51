//! Reads what `torch.save` writes: a pickle of the object and the raw numbers of its storages, in a ZIP file since
//! PyTorch 1.6 and one after another before.

use std::cell::RefCell;
use std::collections::BTreeMap;

use safetensors::Dtype;

use super::archive::Archive;
use super::contents::{Contents, NAME_BYTES_MAX, RANK_MAX, TensorEntry, span};
use super::error::CheckpointError;
use super::pickle::{Id, Pickle, Value};
use super::source::Source;
use super::summed::Summed;
use super::tree;

const PICKLE_BYTES_MAX: u64 = 1 << 26;
/// 0x1950a86a20f9469cfc6c, the number that the first of a legacy file's pickles holds, as a pickle writes it.
pub(super) const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const LEGACY_PROTOCOL: i64 = 1001;
/// Most `Parameter`s around a tensor.
const DEPTH_MAX: usize = 4;
const KEYS_SHOWN: usize = 8;

/// Where a storage begins, and the index of the sum that covers it.
#[derive(Clone, Copy)]
struct Place {
    start: u64,
    sum: Option<usize>,
}

/// A storage as the pickle describes it.
struct Storage<'a> {
    dtype: Dtype,
    key: &'a str,
    /// Numbers in it.
    count: u64,
    /// Numbers in it before the view that is meant begins.
    skip: u64,
}

impl Storage<'_> {
    fn bytes(&self) -> Option<u64> {
        self.count.checked_mul(self.dtype.bitsize() as u64 / 8)
    }
}

/// Reads a file of PyTorch 1.6 or later.
pub(super) fn open_zip(source: &Source) -> Result<Contents, CheckpointError> {
    let archive = Archive::open(source)?;
    let roots: Vec<&str> = archive.names().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
    let [root] = roots[..] else {
        let found = archive.names().take(KEYS_SHOWN).collect::<Vec<_>>().join(", ");
        return Err(source.damaged(format!("expected one data.pkl in the ZIP file, found {found}")));
    };
    // A storage is checked when a tensor of it is read.
    archive.check_all_but(&format!("{root}/data/"))?;
    if let Some(entry) = archive.locate(&format!("{root}/byteorder"))? {
        let order = source.read(entry.start, entry.size.min(16))?;
        if order != b"little" {
            return Err(source.damaged("its numbers are big-endian; save it on a little-endian machine"));
        }
    }
    let (at, size) = archive.locate(&format!("{root}/data.pkl"))?.map_or((0, 0), |entry| (entry.start, entry.size));
    if size > PICKLE_BYTES_MAX {
        return Err(source.damaged(format!("a pickle of {size} bytes, above the limit of {PICKLE_BYTES_MAX}")));
    }
    let bytes = source.read(at, size)?;
    let pickle = Pickle::read(&bytes).map_err(|e| source.damaged(e))?;
    let sums: RefCell<Vec<Summed>> = RefCell::default();
    let known: RefCell<BTreeMap<&str, usize>> = RefCell::default();
    let tensors = tensors(source, &pickle, |storage| {
        let mut sums = sums.borrow_mut();
        let known_sum = known.borrow().get(storage.key).copied();
        let sum = match known_sum {
            Some(sum) => sum,
            None => {
                let found = archive.locate(&format!("{root}/data/{}", storage.key))?;
                sums.push(found.ok_or_else(|| wrong_storage(source, storage, None))?);
                known.borrow_mut().insert(storage.key, sums.len() - 1);
                sums.len() - 1
            }
        };
        let Summed { start, size, .. } = sums[sum];
        let fits = storage.bytes() == Some(size);
        fits.then_some(Place { start, sum: Some(sum) }).ok_or_else(|| wrong_storage(source, storage, Some(size)))
    })?;
    Ok(Contents { tensors, sums: sums.into_inner() })
}

/// Reads a file of PyTorch before 1.6.
pub(super) fn open_legacy(source: &Source) -> Result<Contents, CheckpointError> {
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
    let tensors = tensors(source, &main, |storage| {
        let found = starts.get(storage.key);
        let fits = found.filter(|(_, size)| storage.bytes() == Some(*size));
        fits.map(|(start, _)| Place { start: *start, sum: None })
            .ok_or_else(|| wrong_storage(source, storage, found.map(|(_, size)| *size)))
    })?;
    Ok(Contents { tensors, sums: Vec::new() })
}

/// First byte and size of each storage. The file has, for each key in order, the storage's count in eight bytes and
/// then its numbers.
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
        return Err(source.damaged("expected a list of storages after its main pickle"));
    };
    let mut starts = BTreeMap::new();
    for key in list {
        let storage = keys.text(*key).and_then(|key| known.get(key));
        let storage =
            storage.ok_or_else(|| source.damaged("it has a storage that its main pickle does not mention"))?;
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

/// Every tensor in the root's dicts by name. `locate` returns the place of a storage whose size it has checked.
fn tensors<'a>(
    source: &Source,
    pickle: &Pickle<'a>,
    locate: impl Fn(&Storage<'a>) -> Result<Place, CheckpointError>,
) -> Result<BTreeMap<String, TensorEntry>, CheckpointError> {
    let Value::Dict(root) = pickle.value(pickle.root) else {
        let reason = "expected a dict of tensors; save the model's state_dict() instead of the model";
        return Err(source.damaged(reason));
    };
    let mut named = BTreeMap::new();
    for (name, value) in tree::leaves(pickle) {
        let failed = |reason: String| source.damaged(format!("tensor {name}: {reason}"));
        let Some(tensor) = tensor(pickle, value).map_err(failed)? else { continue };
        let storage = &tensor.storage;
        let last = span(&tensor.shape, &tensor.strides).and_then(|span| span.checked_add(tensor.offset));
        if last.is_none_or(|last| last > storage.count) {
            let (shape, strides, count) = (&tensor.shape, &tensor.strides, storage.count);
            return Err(failed(format!(
                "shape {shape:?} with strides {strides:?} reaches beyond its storage of {count} numbers"
            )));
        }
        let Place { start, sum } = locate(storage)?;
        // This cannot overflow, as it is within a storage that lies within the file.
        let start = start + tensor.offset * (storage.dtype.bitsize() as u64 / 8);
        let (shape, dtype, strides) = (tensor.shape, storage.dtype, tensor.strides);
        named.insert(name, TensorEntry { shape, dtype, strides, start, sum });
    }
    if named.is_empty() {
        let keys = root.iter().filter_map(|(key, _)| pickle.text(*key)).filter(|key| key.len() <= NAME_BYTES_MAX);
        let keys = keys.take(KEYS_SHOWN).collect::<Vec<_>>().join(", ");
        return Err(source.damaged(format!("expected a dict of tensors by name, found one of: {keys}")));
    }
    Ok(named)
}

struct Tensor<'a> {
    storage: Storage<'a>,
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<u64>,
}

/// The tensor that the value `id` describes; `None` if the value is something else.
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
/// (key, offset, count) or None at the end. `None` for another kind of id or a type of numbers that is not known.
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
        return Err("a storage without a key or a count".into());
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
