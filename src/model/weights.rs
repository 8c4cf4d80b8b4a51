//! The weights of an engine: the tensors that its architecture asks for, and no others.

use std::collections::BTreeMap;

use thiserror::Error;

use super::tensor::Tensor;
use super::{Architecture, GAP_PLACES, GAP_PLACES_SHAPE, MEAN_VARIANCE, Score, TensorSpec};

/// An engine without mappings lacks all of their tensors; this one tells.
const OF_MAPPINGS: &str = "map_rgb_to_xyz.input.weight";

/// The weights and biases of both mappings by name, row-major, as a learner starts from them and gives them. Unlike in
/// [`Weights`], nothing checks which are there.
pub type MappingWeights = BTreeMap<String, Vec<f32>>;

/// How tensors differ from those of an architecture.
#[derive(Debug, Error, PartialEq)]
pub enum WeightsError {
    #[error("the tensor {name} should have {expected} values, found {found}")]
    Length { name: String, expected: usize, found: usize },
    #[error("the tensor {name} is not of this architecture")]
    Unknown { name: String },
    #[error("the tensor {name} has values that are not finite")]
    NotFinite { name: String },
    #[error("the tensor {name} has the value {value} where a variance, 0 or more, is expected")]
    Variance { name: String, value: f32 },
}

/// Every tensor of an architecture ([`Architecture::tensors`]), or all but those of the mappings. When they were put
/// together each had its length and finite values.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    architecture: Architecture,
    tensors: BTreeMap<String, Tensor>,
}

/// Tensors on their way into a back end or a graph: each is taken out once, so that it is in memory once.
#[derive(Clone, Debug)]
pub struct Tensors(BTreeMap<String, Tensor>);

/// The weight `[to, from]` and bias `[to]` of a linear layer. The bias is empty where the layer has none.
pub struct LinearWeights {
    pub weight: Tensor,
    pub bias: Vec<f32>,
}

/// The tensors that an engine of `architecture` has, in the order of their names. Whether the mappings' and the places of
/// the gap check are among them follows from the names that it `has`.
pub fn expected_tensors(architecture: &Architecture, has: impl Fn(&str) -> bool) -> Vec<TensorSpec> {
    let mut specs = architecture.rgb_tensors();
    specs.extend(architecture.xyz_tensors());
    if has(OF_MAPPINGS) {
        specs.extend(architecture.mapping_tensors());
    }
    if has(GAP_PLACES) {
        specs.push(TensorSpec { name: GAP_PLACES.into(), shape: GAP_PLACES_SHAPE.into() });
    }
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    specs
}

impl Weights {
    /// Checks names, lengths and values. The mappings are all there or not at all.
    pub fn new(architecture: &Architecture, tensors: BTreeMap<String, Tensor>) -> Result<Self, WeightsError> {
        check(expected_tensors(architecture, |name| tensors.contains_key(name)), &tensors)?;
        Ok(Self { architecture: architecture.clone(), tensors })
    }

    /// Whether the mappings are there.
    pub fn is_fitted(&self) -> bool {
        self.tensors.contains_key(OF_MAPPINGS)
    }

    /// The tensor called `name`; `None` where the engine has none of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// A tensor of the architecture, to change its values but not how many they are.
    pub fn tensor_mut(&mut self, name: &str) -> &mut Tensor {
        self.tensors.get_mut(name).unwrap_or_else(|| unreachable!("the engine has no tensor {name}"))
    }

    /// A copy without the mappings.
    pub fn networks(&self) -> Self {
        let of_networks = self.tensors.iter().filter(|(name, _)| !is_of_mappings(name));
        let tensors = of_networks.map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
        Self { architecture: self.architecture.clone(), tensors }
    }

    /// Takes the mappings out, and expects those of another score from now on.
    pub fn set_score(&mut self, score: Score) {
        self.take_mappings();
        self.architecture.score = score;
    }

    /// Puts `mappings` in the place of those that are there, if any. Panics where they are not of this architecture, as
    /// a learner of it always gives them.
    pub fn set_mappings(&mut self, mappings: MappingWeights) {
        self.take_mappings();
        self.tensors.extend(mappings.into_iter().map(|(name, values)| (name, Tensor::F32(values))));
        let specs = expected_tensors(&self.architecture, |name| self.tensors.contains_key(name));
        if let Err(error) = check(specs, &self.tensors) {
            unreachable!("mappings of another engine: {error}");
        }
    }

    /// Puts the places of the gap check in the place of those that are there, if any; takes them out if there are none.
    pub fn set_gap_places(&mut self, places: Option<Tensor>) {
        match places {
            Some(places) => self.tensors.insert(GAP_PLACES.into(), places),
            None => self.tensors.remove(GAP_PLACES),
        };
    }

    /// Takes the mappings out, which leaves an engine that is not fitted; `None` where it was not before.
    pub fn take_mappings(&mut self) -> Option<Tensors> {
        let mappings: BTreeMap<_, _> = self.tensors.extract_if(.., |name, _| is_of_mappings(name)).collect();
        (!mappings.is_empty()).then_some(Tensors(mappings))
    }

    /// The tensors of the networks and those of the mappings, to be taken one after the other. Panics without mappings:
    /// whoever opens a back end refuses an engine that is not fitted before.
    pub fn into_networks_and_mappings(mut self) -> (Tensors, Tensors) {
        let Some(mappings) = self.take_mappings() else { unreachable!("the engine has no mappings") };
        (self.into_tensors(), mappings)
    }

    /// All of them, to be taken one after the other.
    pub fn into_tensors(self) -> Tensors {
        Tensors(self.tensors)
    }
}

impl Tensors {
    /// Takes a tensor out. Panics where it is not there: which are was checked when they were put together.
    pub fn take(&mut self, name: &str) -> Tensor {
        self.0.remove(name).unwrap_or_else(|| unreachable!("the engine has no tensor {name}"))
    }

    pub fn take_f32(&mut self, name: &str) -> Vec<f32> {
        self.take(name).into_f32()
    }

    /// Takes `NAME.weight` and `NAME.bias` out.
    pub fn take_linear(&mut self, name: &str) -> LinearWeights {
        let bias = self.0.remove(&format!("{name}.bias")).map(Tensor::into_f32).unwrap_or_default();
        LinearWeights { weight: self.take(&format!("{name}.weight")), bias }
    }

    /// A tensor that stays there, if it is there.
    pub fn find(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// A tensor that stays there for another to take.
    pub fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| unreachable!("the engine has no tensor {name}"))
    }
}

fn is_of_mappings(name: &str) -> bool {
    name.starts_with("map_")
}

fn check(specs: Vec<TensorSpec>, tensors: &BTreeMap<String, Tensor>) -> Result<(), WeightsError> {
    let unknown = |name: &&String| specs.binary_search_by(|spec| spec.name.cmp(name)).is_err();
    if let Some(name) = tensors.keys().find(unknown) {
        return Err(WeightsError::Unknown { name: name.clone() });
    }
    for TensorSpec { name, shape } in specs {
        let (expected, tensor) = (shape.iter().product(), tensors.get(&name));
        let found = tensor.map_or(0, |tensor| tensor.values().count());
        if found != expected {
            return Err(WeightsError::Length { name, expected, found });
        }
        if tensor.and_then(Tensor::not_finite).is_some() {
            return Err(WeightsError::NotFinite { name });
        }
        if name.ends_with(MEAN_VARIANCE)
            && let Some(value) = tensor.and_then(|tensor| tensor.to_f32().iter().copied().find(|v| *v < 0.0))
        {
            return Err(WeightsError::Variance { name, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PointMaeShape, Score, VitShape, seeded};

    fn architecture() -> Architecture {
        let rgb = VitShape { width: 8, heads: 2, mlp: 8, layers: 1 };
        let xyz = PointMaeShape {
            width: 8,
            heads: 2,
            mlp: 8,
            layers: 1,
            taps: vec![0],
            groups: 4,
            group_size: 2,
            encoder: [4, 4, 4],
            position_hidden: 4,
        };
        Architecture { rgb, xyz, hidden: 6, score: Score::Product }
    }

    fn tensors() -> BTreeMap<String, Tensor> {
        let of = |spec: &TensorSpec| (spec.name.clone(), Tensor::F32(seeded::tensor(spec, 1)));
        architecture().tensors().iter().map(of).collect()
    }

    #[test]
    fn only_the_tensors_of_the_architecture_are_weights() {
        let made = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
            let mut tensors = tensors();
            change(&mut tensors);
            Weights::new(&architecture(), tensors).map(|weights| weights.is_fitted())
        };
        assert_eq!(made(&|_| {}), Ok(true));
        assert_eq!(made(&|tensors| tensors.retain(|name, _| !is_of_mappings(name))), Ok(false));
        let name = || "rgb.norm.bias".to_string();
        let short = Err(WeightsError::Length { name: name(), expected: 8, found: 7 });
        assert_eq!(made(&|tensors| drop(tensors.insert(name(), Tensor::F32(vec![0.0; 7])))), short);
        let missing = Err(WeightsError::Length { name: name(), expected: 8, found: 0 });
        assert_eq!(made(&|tensors| drop(tensors.remove(&name()))), missing);
        let infinite = Tensor::F16(vec![half::f16::INFINITY; 8]);
        let not_finite = Err(WeightsError::NotFinite { name: name() });
        assert_eq!(made(&|tensors| drop(tensors.insert(name(), infinite.clone()))), not_finite);
        // Half of the mappings, whichever half it is.
        let missing = "map_xyz_to_rgb.output.weight".to_string();
        made(&|tensors| drop(tensors.remove(&missing))).unwrap_err();
        made(&|tensors| drop(tensors.remove(OF_MAPPINGS))).unwrap_err();
        let unknown_of_product = "map_xyz_to_rgb.variance.mean".to_string();
        let of_another_score = Err(WeightsError::Unknown { name: unknown_of_product.clone() });
        let variance = Tensor::F32(vec![1.0; 8]);
        assert_eq!(
            made(&|tensors| drop(tensors.insert(unknown_of_product.clone(), variance.clone()))),
            of_another_score
        );
        let unknown = Err(WeightsError::Unknown { name: "head.weight".into() });
        assert_eq!(made(&|tensors| drop(tensors.insert("head.weight".into(), infinite.clone()))), unknown);
    }

    #[test]
    fn another_score_has_other_mappings() {
        let mut weights = Weights::new(&architecture(), tensors()).unwrap();
        let networks = weights.networks();
        weights.set_score(Score::Likelihood);
        assert!(!weights.is_fitted());
        let likelihood = Architecture { score: Score::Likelihood, ..architecture() };
        let mut mappings = seeded::mappings(&likelihood, 1);
        weights.set_mappings(mappings.clone());
        assert!(weights.is_fitted() && weights.get("map_rgb_to_xyz.variance.mean").is_some());
        let mut negative = tensors();
        negative.retain(|name, _| networks.get(name).is_some());
        mappings.insert("map_rgb_to_xyz.variance.mean".into(), vec![-0.5; 8]);
        negative.extend(mappings.into_iter().map(|(name, values)| (name, Tensor::F32(values))));
        let error = Weights::new(&likelihood, negative).unwrap_err().to_string();
        assert!(error.contains("-0.5") && error.contains("variance.mean"), "{error}");
    }

    #[test]
    fn mappings_are_taken_out_and_put_in() {
        let mut weights = Weights::new(&architecture(), tensors()).unwrap();
        let (whole, networks) = (weights.clone(), weights.networks());
        let mut mappings = weights.take_mappings().unwrap();
        assert!(!weights.is_fitted() && weights == networks && weights.take_mappings().is_none());
        weights.set_mappings(seeded::mappings(&architecture(), 1));
        assert!(weights.is_fitted() && weights == whole);
        let LinearWeights { weight, bias } = mappings.take_linear("map_rgb_to_xyz.input");
        assert_eq!((weight.values().count(), bias.len()), (48, 6));
    }
}
