//! Takes the weights of one part of an engine out of a weight file.

use std::collections::{BTreeMap, BTreeSet};

use super::Checkpoint;
use super::error::CheckpointError;
use super::naming::{Naming, Piece, Wanted};
use super::part::Part;
use super::prefix::{Found, candidates, complete, dict, fits, pieces, unwrapped};
use crate::model::{Architecture, Variant};

const LINES_MAX: usize = 20;
const PREFIXES_MAX: usize = 6;
/// A training run of DINO saves a teacher and a student; the teacher is what DINO publishes.
const TEACHER: [&str; 2] = ["teacher/", "student/"];
/// The names of the two mappings in anomalib's checkpoints, and of what holds the two networks.
const ANOMALIB_MAPPINGS: [&str; 2] = ["rgb_to_xyz_mapper.", "xyz_to_rgb_mapper."];
const ANOMALIB_NETWORKS: &str = "feature_extractors.extractors.";

/// The weights of one part.
#[derive(Debug)]
pub struct Selection {
    /// By the engine's names, row-major, in f32 whatever the file has: the tensors of [`Architecture::tensors`] that
    /// are of this part.
    pub weights: BTreeMap<String, Vec<f32>>,
    /// Tensors of the file that neither the engine nor a published file of this part has: worth a warning. Tensors
    /// outside the part's prefix are grouped by the first segment of their names.
    pub unknown: Vec<String>,
    /// What was recognised about the file, to be logged as information.
    pub notes: Vec<String>,
    /// What may not be what the user meant, to be logged as warnings.
    pub doubts: Vec<String>,
}

/// Takes the tensors of `part` that an engine of `architecture` has, from under the prefix `asked` or else from under
/// the one prefix under which all of them are. Shapes may differ by dimensions of 1 at the end.
///
/// Every name and shape is checked before a tensor is read, and one error lists everything that is wrong.
pub fn select(
    checkpoint: &Checkpoint,
    part: Part,
    architecture: &Architecture,
    asked: Option<&str>,
) -> Result<Selection, CheckpointError> {
    let (chosen, mut notes) = choose(checkpoint, part, architecture, asked)?;
    let wanted = chosen.naming.wanted(part, architecture);
    let names = chosen.names(&checkpoint.tensors);
    let mut weights = BTreeMap::new();
    for Wanted { spec, pieces } in &wanted {
        let mut values = Vec::new();
        for piece in pieces {
            let read = finite(checkpoint, names[&piece.name])?;
            if values.is_empty() { values = read } else { values.extend(read) }
        }
        weights.insert(spec.name.clone(), values);
    }
    let path = checkpoint.source.path.display();
    if chosen.naming == Naming::Transformers {
        notes.push(format!(
            "{path}: the tensors have the names of Hugging Face's transformers; query, key and value are stacked to qkv"
        ));
    }
    if chosen.prefix.contains(ANOMALIB_NETWORKS) {
        notes.push(format!("{path}: this is a checkpoint of anomalib's CFM, with its copy of {}", part.describe()));
    }
    let mut doubts = Vec::new();
    if ANOMALIB_MAPPINGS.iter().any(|name| chosen.prefix.ends_with(name)) {
        doubts.push(format!(
            "{path}: {} is anomalib's: it was learnt from frames that anomalib prepares in another way, so that scores differ from anomalib's and its thresholds are not valid; fit the engine on the same good parts instead",
            part.describe()
        ));
    }
    Ok(Selection { weights, unknown: unknown(checkpoint, part, architecture, &chosen, &wanted), notes, doubts })
}

/// Chooses where the part's tensors are taken from, with notes about the choice.
fn choose(
    checkpoint: &Checkpoint,
    part: Part,
    architecture: &Architecture,
    asked: Option<&str>,
) -> Result<(Found, Vec<String>), CheckpointError> {
    let tensors = &checkpoint.tensors;
    let found = candidates(tensors, part, architecture);
    let mut whole = complete(tensors, part, architecture, &found);
    let mismatch = |best: &Found| CheckpointError::Mismatch {
        path: checkpoint.source.path.clone(),
        part: part.describe(),
        listing: listing(checkpoint, part, architecture, best, &found),
    };
    if let Some(asked) = asked {
        let near = || found.iter().find(|found| found.prefix == asked).cloned().unwrap_or_else(|| Found::asked(asked));
        let chosen = whole.into_iter().find(|found| found.prefix == asked);
        return chosen.map(|chosen| (chosen, Vec::new())).ok_or_else(|| mismatch(&near()));
    }
    let Some(first) = whole.first().cloned() else {
        return Err(mismatch(&found.first().cloned().unwrap_or_else(|| Found::asked(""))));
    };
    whole.retain(|other| other.prefix == first.prefix || !same(checkpoint, part, architecture, &first, other));
    if whole.len() == 1 {
        return Ok((first, Vec::new()));
    }
    let quoted = whole.iter().map(|found| format!("{:?}", found.prefix)).collect::<Vec<_>>();
    let [teachers, students] = TEACHER.map(|role| whole.iter().filter(|found| found.prefix.starts_with(role)).count());
    match whole.iter().find(|found| found.prefix.starts_with(TEACHER[0])) {
        Some(teacher) if teachers == 1 && teachers + students == whole.len() => {
            let path = checkpoint.source.path.display();
            let note = format!(
                "{path}: {} is under {}; the teacher's is taken, which DINO publishes",
                part.describe(),
                quoted.join(" and ")
            );
            Ok((teacher.clone(), vec![note]))
        }
        _ => Err(CheckpointError::Ambiguous {
            path: checkpoint.source.path.clone(),
            part: part.describe(),
            name: part.name(),
            prefixes: quoted.join(" and "),
        }),
    }
}

/// Whether two places refer to the very same numbers in the file.
fn same(checkpoint: &Checkpoint, part: Part, architecture: &Architecture, one: &Found, other: &Found) -> bool {
    let tensors = &checkpoint.tensors;
    let [names, others] = [one, other].map(|found| found.names(tensors));
    let entry =
        |names: &BTreeMap<String, &str>, piece: &Piece| names.get(&piece.name).and_then(|name| tensors.get(*name));
    one.naming == other.naming
        && pieces(&one.naming.wanted(part, architecture)).all(|piece| entry(&names, piece) == entry(&others, piece))
}

/// The tensors for [`Selection::unknown`], from the dict that the part is in.
fn unknown(
    checkpoint: &Checkpoint,
    part: Part,
    architecture: &Architecture,
    chosen: &Found,
    wanted: &[Wanted],
) -> Vec<String> {
    let used: BTreeSet<&str> = pieces(wanted).map(|piece| piece.name.as_str()).collect();
    let dict = dict(&chosen.prefix);
    let (mut inside, mut outside) = (Vec::new(), BTreeMap::<&str, Vec<&str>>::new());
    for name in checkpoint.tensors.keys().filter(|name| super::prefix::dict(name) == dict) {
        if let Some(own) = chosen.own(name) {
            if !used.contains(own.as_str()) && !chosen.naming.leaves_out(part, &own, architecture) {
                inside.push(own);
            }
            continue;
        }
        let rest = unwrapped(&name[dict.len()..]);
        if !chosen.naming.leaves_out(part, rest, architecture) {
            outside.entry(rest.split('.').next().unwrap_or(rest)).or_default().push(name);
        }
    }
    let group = |(first, names): (&str, Vec<&str>)| match names[..] {
        [one] => one.to_owned(),
        _ => format!("{first}.* ({} tensors)", names.len()),
    };
    inside.into_iter().chain(outside.into_iter().map(group)).collect()
}

/// Reads a tensor whose values are all finite.
fn finite(checkpoint: &Checkpoint, name: &str) -> Result<Vec<f32>, CheckpointError> {
    let values = checkpoint.read(name)?;
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(place) => Err(CheckpointError::NotFinite {
            path: checkpoint.source.path.clone(),
            name: name.into(),
            place,
            value: values[place],
        }),
    }
}

/// What is wrong with the tensor `name`, which should be `piece`; `None` if nothing is.
fn problem(checkpoint: &Checkpoint, name: &str, piece: &Piece) -> Option<String> {
    match checkpoint.tensors.get(name) {
        None => Some(format!("{name}: expected {:?}, missing", piece.shape)),
        Some(entry) if fits(entry, piece) => None,
        Some(entry) => Some(format!("{name}: expected {:?}, found {} {:?}", piece.shape, entry.dtype, entry.shape)),
    }
}

/// The text of [`CheckpointError::Mismatch`]: what is wrong under the prefix with most tensors that fit, how many fit
/// under each prefix, and what the file is instead.
fn listing(checkpoint: &Checkpoint, part: Part, architecture: &Architecture, best: &Found, found: &[Found]) -> String {
    let wanted = best.naming.wanted(part, architecture);
    let problem = |piece: &Piece| problem(checkpoint, &format!("{}{}", best.prefix, piece.name), piece);
    let problems: Vec<String> = pieces(&wanted).filter_map(problem).collect();
    let mut lines: Vec<String> = problems.iter().take(LINES_MAX).map(|line| format!("  {line}")).collect();
    if problems.len() > LINES_MAX {
        lines.push(format!("  and {} more", problems.len() - LINES_MAX));
    }
    let some = || found.iter().filter(|found| found.fits > 0);
    if !best.prefix.is_empty() || some().any(|found| !found.prefix.is_empty()) {
        let one = |found: &Found| format!("{} of {} under {:?}", found.fits, found.of, found.prefix);
        let mut prefixes: Vec<String> = some().take(PREFIXES_MAX).map(one).collect();
        let more = some().count().saturating_sub(PREFIXES_MAX);
        prefixes.extend((more > 0).then(|| format!("fewer under {more} other prefixes")));
        prefixes.extend(prefixes.is_empty().then(|| "none under any prefix".into()));
        lines.push(format!("tensors that fit: {}", prefixes.join(", ")));
    }
    lines.extend(hint(checkpoint, part, architecture));
    lines.join("\n")
}

/// What the file is instead, if that is recognised: another part, or this part of another variant.
fn hint(checkpoint: &Checkpoint, part: Part, architecture: &Architecture) -> Option<String> {
    let holds = |part: Part, architecture: &Architecture| {
        let found = candidates(&checkpoint.tensors, part, architecture);
        !complete(&checkpoint.tensors, part, architecture, &found).is_empty()
    };
    if let Some(other) = Part::ALL.into_iter().find(|other| *other != part && holds(*other, architecture)) {
        return Some(format!("these are the tensors of {}: was another file meant?", other.describe()));
    }
    let published = |variant| Architecture::published(variant, architecture.xyz.group_size);
    Part::ALL.into_iter().find_map(|part| {
        let variants = Variant::PUBLISHED.into_iter().filter(|variant| holds(part, &published(*variant)));
        let names: Vec<&str> = variants.map(Variant::name).collect();
        let told = || format!("these sizes are those of {}, variant {}", part.describe(), names.join(" or "));
        (!names.is_empty()).then(told)
    })
}
