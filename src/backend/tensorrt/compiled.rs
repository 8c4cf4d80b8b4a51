//! What TensorRT-RTX compiles of a plan for the GPU at hand. It does so each time that the plan is opened, unless it is
//! given what it compiled before; that is kept beside the plan, in a file of the same layout ([`Content::Compiled`]).
//!
//! A file that cannot be used costs a compilation, not the plan: it is ignored with a line in the log.

use super::cache::{Cache, Kept};
use super::content::Content;
use super::error::TensorRtError;
use super::key::{Device, Key};
use super::library::{Kind, Library};
use super::network::Network;
use crate::backend::cuda::Gpu;
use crate::onnx::Model;

/// Prepares `plan`, which has the key `key`, for `gpu`, whose context is current.
pub fn open(
    library: Library,
    model: &Model,
    plan: &[u8],
    (cache, key, gpu): (&Cache, &Key, &Gpu),
) -> Result<Network, TensorRtError> {
    if library.kind == Kind::TensorRt {
        return Network::new(library, model, plan, None);
    }
    // The plan is for any GPU of a compute capability; what is compiled of it is not.
    let key = Key { device: Some(Device::from(gpu)), ..key.clone() };
    let before = kept(cache, &key);
    let network = Network::new(library, model, plan, before.as_deref())?;
    if let Some(compiled) = network.compiled() {
        keep(cache, &key, before.as_deref(), compiled.bytes());
    }
    Ok(network)
}

/// What was compiled before; none if that is missing or cannot be used.
fn kept(cache: &Cache, key: &Key) -> Option<Vec<u8>> {
    match cache.read(Content::Compiled, key) {
        Ok(Kept::Plan(plan)) => Some(plan.bytes),
        Ok(Kept::Nothing) => None,
        Ok(Kept::Stale(reason)) => {
            log::info!("{reason}: {} is compiled again", key.graph);
            None
        }
        Err(error) => {
            log::warn!("{error}: {} is compiled again", key.graph);
            None
        }
    }
}

/// Keeps what the library has compiled now, if that is something else than `before`.
fn keep(cache: &Cache, key: &Key, before: Option<&[u8]>, now: &[u8]) {
    if now.is_empty() || before == Some(now) {
        return;
    }
    let (graph, bytes) = (&key.graph, now.len());
    match cache.write(Content::Compiled, key, now) {
        Ok(_) => log::info!("{bytes} bytes of {graph}, compiled for this GPU, are kept for the next start"),
        Err(error) => log::warn!("{error}: {graph} is compiled again at the next start"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        let device = Device { name: "RTX 4090".into(), capability: (8, 9), multiprocessors: 128, driver: (12, 8) };
        Key {
            graph: "rgb_tokens".into(),
            graph_sha256: "0".repeat(64),
            target: "sm89".into(),
            device: Some(device),
            library: "tensorrt-rtx".into(),
            version: "1.7.1".into(),
            options: "workspace 1".into(),
            shim_sha256: "5".repeat(64),
        }
    }

    #[test]
    fn what_was_compiled_is_given_to_the_same_gpu_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        assert_eq!(kept(&cache, &key()), None);
        keep(&cache, &key(), None, b"kernels");
        assert_eq!(kept(&cache, &key()).as_deref(), Some(b"kernels".as_slice()));
        // The plan has a file of its own.
        assert_eq!(cache.read(Content::Plan, &key()), Ok(Kept::Nothing));
        let device = key().device.map(|device| Device { driver: (12, 9), ..device });
        assert_eq!(kept(&cache, &Key { device, ..key() }), None);
        // Nothing is written if nothing new was compiled.
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::remove_file(&file).unwrap();
        keep(&cache, &key(), Some(b"kernels"), b"kernels");
        assert!(!file.exists());
        keep(&cache, &key(), Some(b"kernels"), b"more kernels");
        assert_eq!(kept(&cache, &key()).as_deref(), Some(b"more kernels".as_slice()));
    }

    #[test]
    fn a_damaged_file_is_ignored_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        keep(&cache, &key(), None, b"kernels");
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bytes in [&whole[..whole.len() - 1], b"", &flipped] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(kept(&cache, &key()), None);
        }
        keep(&cache, &key(), None, b"kernels");
        assert_eq!(kept(&cache, &key()).as_deref(), Some(b"kernels".as_slice()));
        // Neither a folder without permission nor too much of it ends the program.
        keep(&cache, &key(), None, &vec![0; (Content::Compiled.bytes_max() + 1) as usize]);
        assert_eq!(kept(&cache, &key()).as_deref(), Some(b"kernels".as_slice()));
    }
}
