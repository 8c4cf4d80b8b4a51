//! The plans of an engine's networks: they are built, kept, and read again.

use std::time::Instant;

use super::builder::{self, Target, build};
use super::cache::{Cache, Kept, Plan, sha256};
use super::content::Content;
use super::error::TensorRtError;
use super::key::{Device, Key};
use super::library::{Kind, Library};
use crate::backend::cuda;
use crate::backend::plans::{self, Facts, Report, Request, Step, Verdict};
use crate::model::engine_file::Storage;
use crate::onnx::{self, Model};

/// The shim's source, which sets the other options of a build.
const SHIM: &[u8] = include_bytes!("shim.cpp");

/// The graphs of an engine, and the keys under which their plans are kept.
pub struct Set {
    pub library: Library,
    target: Target,
    precision: Storage,
    pub models: [Model; 2],
    pub keys: Vec<Key>,
}

/// An error of the GPU or of TensorRT.
pub type Error = crate::backend::BackendError;

impl Set {
    /// `models` have products in `precision`.
    pub fn new(library: Library, target: Target, precision: Storage, models: [Model; 2]) -> Self {
        let device = match &target {
            Target::Device(gpu) => Some(Device::from(gpu)),
            Target::Capability(..) => None,
        };
        let key = |model: &Model| Key {
            graph: model.name.into(),
            graph_sha256: sha256(&model.bytes),
            target: target.name(),
            device: device.clone(),
            library: library.kind.name().into(),
            version: library.version.to_string(),
            options: builder::options(),
            shim_sha256: sha256(SHIM),
        };
        let keys = models.iter().map(key).collect();
        Self { library, target, precision, models, keys }
    }

    /// The graphs and keys for the plans that `request` asks for.
    pub fn asked(request: &Request<'_>) -> Result<Self, Error> {
        let (library, target) = choose(&Library::all()?, request)?;
        Ok(Self::new(library, target, request.precision, models(request)?))
    }

    /// Builds the plans that are missing or stale. `report` is called at every step, and returns whether to go on.
    pub fn build(&self, cache: &Cache, report: Report<'_>) -> Result<Vec<Facts>, TensorRtError> {
        self.models.iter().zip(&self.keys).map(|(model, key)| self.build_one(cache, model, key, report)).collect()
    }

    fn build_one(&self, cache: &Cache, model: &Model, key: &Key, report: Report<'_>) -> Result<Facts, TensorRtError> {
        let facts = |bytes, build_s| Facts {
            graph: model.name,
            library: self.library.name(),
            target: self.target.name(),
            precision: self.precision,
            bytes,
            build_s,
            folder: cache.folder().into(),
        };
        match cache.read(Content::Plan, key)? {
            Kept::Plan(plan) => return Ok(facts(plan.bytes.len(), None)),
            Kept::Stale(reason) => log::info!("{reason}: the plan is built again"),
            Kept::Nothing => {}
        }
        let start = Instant::now();
        let mut tell =
            |builder::Step { phase, done, of }: builder::Step<'_>| report(Step { graph: model.name, phase, done, of });
        let built = build(self.library, model.name, &model.bytes, &self.target, &mut tell)?;
        cache.write(Content::Plan, key, built.bytes())?;
        Ok(facts(built.bytes().len(), Some(start.elapsed().as_secs_f64())))
    }

    /// Reads both plans, in the order of the graphs; none if one is missing or stale.
    pub fn read(&self, cache: &Cache) -> Result<Option<Vec<Plan>>, TensorRtError> {
        let mut plans = Vec::new();
        for key in &self.keys {
            match cache.read(Content::Plan, key)? {
                Kept::Plan(plan) => plans.push(plan),
                Kept::Nothing => return Ok(None),
                Kept::Stale(reason) => {
                    log::warn!("{reason}: build the plan again with `crosscheck engine build --target this`");
                    return Ok(None);
                }
            }
        }
        Ok(Some(plans))
    }

    /// What a check found of these plans; none if there was none.
    pub fn verdict(&self, cache: &Cache, plans: &[Plan]) -> Result<Option<Verdict>, TensorRtError> {
        Ok(cache.checked(&self.keys, plans)?.map(|checked| checked.verdict()))
    }

    /// Stores what a check found of the kept plans, which decides whether they are used.
    pub fn keep_check(&self, cache: &Cache, verdict: &Verdict) -> Result<(), Error> {
        let plans = self.read(cache)?.ok_or(TensorRtError::NoPlans)?;
        let hashes = plans.into_iter().map(|plan| plan.sha256).collect();
        Ok(cache.keep_check(&self.keys, hashes, verdict)?)
    }
}

/// The graphs of an engine, from which its plans are built.
pub fn models(request: &Request<'_>) -> Result<[Model; 2], TensorRtError> {
    let models = onnx::networks(request.architecture, request.weights.clone(), request.precision);
    models.map_err(|error| TensorRtError::Graphs(error.to_string()))
}

/// The target of this library's plans for a GPU.
pub fn target_of(library: &Library, gpu: &cuda::Gpu) -> Target {
    match library.kind {
        Kind::TensorRt => Target::Device(gpu.clone()),
        Kind::Rtx => Target::Capability(gpu.capability.0, gpu.capability.1),
    }
}

fn choose(libraries: &[Library], request: &Request<'_>) -> Result<(Library, Target), Error> {
    // TensorRT is preferred if both are installed, but only TensorRT-RTX builds for a GPU that this machine does not
    // have.
    let kinds: &[Kind] = match (request.library, request.target) {
        (plans::Library::TensorRt, _) => &[Kind::TensorRt],
        (plans::Library::Rtx, _) => &[Kind::Rtx],
        (plans::Library::Auto, plans::Target::This) => &[Kind::TensorRt, Kind::Rtx],
        (plans::Library::Auto, plans::Target::Capability(..)) => &[Kind::Rtx, Kind::TensorRt],
    };
    let found = kinds.iter().find_map(|kind| libraries.iter().find(|library| library.kind == *kind));
    let library = *found.ok_or(TensorRtError::NoLibrary { asked: kinds[0].name() })?;
    let target = match request.target {
        plans::Target::Capability(major, minor) => Target::Capability(major, minor),
        plans::Target::This => target_of(&library, &cuda::gpu()?),
    };
    Ok((library, target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Architecture, Variant, Weights, seeded};

    #[test]
    #[ignore = "needs TensorRT-RTX: ci/tensorrt/run.sh"]
    fn plans_in_f32_and_plans_with_parts_in_f32_are_built() {
        let architecture = Architecture::published(Variant::Tiny, 32);
        let weights = seeded::weights(&architecture, 7);
        let mut beyond = weights.clone();
        let mut scale = |name: &str, factor: f32| {
            beyond.tensor_mut(name).f32_mut().iter_mut().for_each(|weight| *weight *= factor);
        };
        for name in ["rgb.blocks.0.attn.qkv.weight", "xyz.encoder.second_conv.1.weight", "rgb.blocks.0.mlp.fc2.weight"]
        {
            scale(name, 1e6);
        }
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        let build = |weights: &Weights, precision| {
            let request = Request {
                target: plans::Target::Capability(8, 9),
                library: plans::Library::Rtx,
                precision,
                ..Request::of_this(&architecture, weights)
            };
            let mut steps = 0;
            let set = Set::asked(&request).unwrap();
            let facts = set.build(&cache, &mut |_| {
                steps += 1;
                true
            });
            assert!(steps > 0, "the library reports no step");
            facts.unwrap().into_iter().map(|facts| (facts.graph, facts.precision, facts.bytes)).collect::<Vec<_>>()
        };
        let [halves, whole] = [Storage::F16, Storage::F32].map(|precision| build(&weights, precision));
        for (halves, whole) in halves.iter().zip(&whole) {
            assert_eq!((halves.1, whole.1), (Storage::F16, Storage::F32));
            assert!(whole.2 > halves.2 * 3 / 2, "a plan in f32 has weights of twice the size: {halves:?} {whole:?}");
        }
        let mixed = build(&beyond, Storage::F16);
        assert!(mixed[0].2 > halves[0].2 && mixed[0].2 < whole[0].2, "{mixed:?} where {halves:?} are halves alone");
    }
}
