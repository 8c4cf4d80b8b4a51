//! Finds the prefix under which a file has the tensors of a part. Training frameworks put names in front of a network's
//! own (`module.`, `encoder_q.`, `_orig_mod.`). The right prefix is the one under which all tensors of the part are, in
//! the shapes that they should have.

use std::collections::{BTreeMap, HashMap};

use safetensors::Dtype;

use super::contents::TensorEntry;
use super::naming::{Naming, Piece, Wanted};
use super::part::Part;
use super::tree;
use crate::model::Architecture;

type Tensors = BTreeMap<String, TensorEntry>;

/// Wrappers' prefixes in files that have some tensors of a part under one of them and some under another.
const WRAPPERS: [&str; 4] = ["module.", "base_model.", "MAE_encoder.", "backbone."];

/// Where a file may have a part.
#[derive(Clone)]
pub(super) struct Found {
    pub prefix: String,
    pub naming: Naming,
    /// How many tensors are there in the right shape, how many are there in any, and how many there should be.
    pub fits: usize,
    there: usize,
    pub of: usize,
    /// Whether each tensor has wrappers of its own after `prefix`, which are left out of its name.
    mixed: bool,
}

/// Every prefix under which a tensor of `part` is, the one with most tensors that fit first.
pub(super) fn candidates(tensors: &Tensors, part: Part, architecture: &Architecture) -> Vec<Found> {
    let mut found = Vec::new();
    for &naming in Naming::of(part) {
        let wanted = naming.wanted(part, architecture);
        let pieces: HashMap<&str, &Piece> = pieces(&wanted).map(|piece| (piece.name.as_str(), piece)).collect();
        let segments = pieces.keys().map(|name| name.split('.').count()).max().unwrap_or(0);
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (name, entry) in tensors {
            let inner = name.rmatch_indices(['.', tree::DICT]).map(|(at, _)| at + 1);
            for at in inner.take(segments).chain([0]) {
                let Some(piece) = pieces.get(&name[at..]) else { continue };
                let (fitting, there) = counts.entry(&name[..at]).or_default();
                *there += 1;
                *fitting += usize::from(fits(entry, piece));
            }
        }
        let of = pieces.len();
        let one =
            |(prefix, (fits, there)): (&str, _)| Found { prefix: prefix.into(), naming, fits, there, of, mixed: false };
        found.extend(counts.into_iter().map(one));
    }
    // The sort is stable: among equals the shorter prefix comes first, then the first by name.
    found.sort_by_key(|found| (std::cmp::Reverse((found.fits, found.there)), found.prefix.len()));
    found
}

/// Every place where the file has all of a part.
pub(super) fn complete(tensors: &Tensors, part: Part, architecture: &Architecture, found: &[Found]) -> Vec<Found> {
    let mut whole: Vec<Found> = found.iter().filter(|found| found.fits == found.of).cloned().collect();
    let of_one_prefix: Vec<&str> = whole.iter().map(|found| dict(&found.prefix)).collect();
    let wanted = Naming::Own.wanted(part, architecture);
    let mixed = mixed(tensors, &wanted).into_iter().filter(|mixed| !of_one_prefix.contains(&mixed.prefix.as_str()));
    let mixed: Vec<Found> = mixed.collect();
    whole.extend(mixed);
    whole
}

/// Dicts that have all of a part, but under several wrappers.
fn mixed(tensors: &Tensors, wanted: &[Wanted]) -> Vec<Found> {
    let mut dicts: BTreeMap<&str, BTreeMap<&str, Vec<&TensorEntry>>> = BTreeMap::new();
    for (name, entry) in tensors {
        let dict = dict(name);
        dicts.entry(dict).or_default().entry(unwrapped(&name[dict.len()..])).or_default().push(entry);
    }
    let of = pieces(wanted).count();
    let has = |names: &BTreeMap<&str, Vec<&TensorEntry>>| {
        // Two tensors of the same name leave it open which is meant.
        let one = |piece: &Piece| matches!(names.get(piece.name.as_str()).map(Vec::as_slice), Some([entry]) if fits(entry, piece));
        pieces(wanted).all(one)
    };
    let whole = dicts.into_iter().filter(|(_, names)| has(names));
    let found =
        |prefix: &str| Found { prefix: prefix.into(), naming: Naming::Own, fits: of, there: of, of, mixed: true };
    whole.map(|(dict, _)| found(dict)).collect()
}

impl Found {
    /// A prefix that the user asks for, whatever of the part is there.
    pub fn asked(prefix: &str) -> Self {
        Self { prefix: prefix.into(), naming: Naming::Own, fits: 0, there: 0, of: 0, mixed: false }
    }

    /// The file's names by the part's own.
    pub fn names<'a>(&self, tensors: &'a Tensors) -> BTreeMap<String, &'a str> {
        let inside = tensors.range(self.prefix.clone()..).map(|(name, _)| name.as_str());
        let inside = inside.take_while(|name| name.starts_with(&self.prefix));
        inside.map(|name| (self.own(name).unwrap_or_default(), name)).collect()
    }

    /// The part's own name for the tensor `name` of the file; `None` if it is not under the prefix.
    pub fn own(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(&self.prefix)?;
        Some(if self.mixed { unwrapped(rest) } else { rest }.to_owned())
    }
}

pub(super) fn pieces(wanted: &[Wanted]) -> impl Iterator<Item = &Piece> {
    wanted.iter().flat_map(|wanted| &wanted.pieces)
}

/// The dict that a tensor is in, as a prefix.
pub(super) fn dict(name: &str) -> &str {
    name.rfind(tree::DICT).map_or("", |at| &name[..=at])
}

/// `name` without the wrappers' prefixes.
pub(super) fn unwrapped(mut name: &str) -> &str {
    while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper)) {
        name = inner;
    }
    name
}

/// Whether a tensor of the file has floating-point numbers and the shape of `piece`. Shapes may differ by dimensions of
/// 1 at the end.
pub(super) fn fits(entry: &TensorEntry, piece: &Piece) -> bool {
    let is_float = matches!(entry.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64);
    is_float && without_trailing_ones(&entry.shape) == without_trailing_ones(&piece.shape)
}

fn without_trailing_ones(shape: &[usize]) -> &[usize] {
    let kept = shape.iter().rposition(|size| *size != 1).map_or(0, |last| last + 1);
    &shape[..kept]
}
