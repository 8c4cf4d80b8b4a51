//! Weight files of every kind that users have, good and bad (tests/golden/checkpoints/make.py wrote the fixtures).

mod hostile;
mod prefixes;
mod selecting;
mod sums;
mod writer;

use crosscheck::model::checkpoint::{Checkpoint, CheckpointError, Dtype};
use writer::{dict, golden, int, open, pickle, refusal, tensor, text, zip_file};

use crate::support::golden::Golden;

/// What make.py gives tensor `k`.
fn values(k: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| (i + 1) as f32 * 0.25 - k as f32).collect()
}

fn check_fixture(name: &str) {
    let checkpoint = Checkpoint::open(&golden(name)).unwrap();
    let shared = values(5, 12);
    // Sizes (4, 3), strides (1, 4).
    let transposed = (0..4).flat_map(|r| (0..3).map(move |c| r + 4 * c)).map(|i| shared[i]).collect();
    let expected: [(&str, Dtype, &[usize], Vec<f32>); 6] = [
        ("MAE_encoder.norm.weight", Dtype::F32, &[6], values(0, 6)),
        ("MAE_encoder.norm.bias", Dtype::F16, &[2, 3], values(1, 6)),
        ("MAE_encoder.bf16", Dtype::BF16, &[4], values(2, 4)),
        ("MAE_encoder.f64", Dtype::F64, &[1, 4, 1], values(3, 4)),
        ("transposed", Dtype::F32, &[4, 3], transposed),
        ("tail", Dtype::F32, &[2], shared[10..].to_vec()),
    ];
    assert_eq!(checkpoint.tensors().len(), expected.len() + 1, "{name}");
    for (tensor, dtype, shape, values) in expected {
        let tensor = &format!("base_model/module.{tensor}");
        let entry = &checkpoint.tensors()[tensor];
        assert_eq!((entry.dtype, entry.shape.as_slice()), (dtype, shape), "{name} {tensor}");
        assert_eq!(checkpoint.read(tensor).unwrap(), values, "{name} {tensor}");
    }
    let counter = "base_model/module.MAE_encoder.bn.num_batches_tracked";
    let entry = &checkpoint.tensors()[counter];
    assert_eq!((entry.dtype, entry.shape.len()), (Dtype::I64, 0));
    let error = checkpoint.read(counter).unwrap_err();
    assert!(matches!(error, CheckpointError::NotWeights { .. }), "{error}");
    assert!(matches!(checkpoint.read("absent").unwrap_err(), CheckpointError::NoTensor { .. }));
}

#[test]
fn reads_pytorch_since_1_6() {
    check_fixture("zip.pth");
    check_fixture("zip64.pth");
}

#[test]
fn reads_pytorch_before_1_6() {
    check_fixture("legacy.pth");
}

#[test]
fn reads_safetensors() {
    let path = format!("{}/tests/golden/tiny-a.safetensors", env!("CARGO_MANIFEST_DIR"));
    let checkpoint = Checkpoint::open(path.as_ref()).unwrap();
    let golden = Golden::open("tiny-a");
    for name in ["xyz", "rgb_tokens", "psi"] {
        assert_eq!(checkpoint.read(name).unwrap(), golden.f32(name), "{name}");
    }
    assert_eq!(checkpoint.tensors()["xyz"].shape, [224, 224, 3]);
    assert!(matches!(checkpoint.read("rgb").unwrap_err(), CheckpointError::NotWeights { .. }));
}

#[test]
fn safetensors_that_leave_the_file_are_refused() {
    let file = |header: &str, data: &[u8]| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat();
    let tensor =
        |shape: &str, end: usize| format!(r#"{{"w":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,{end}]}}}}"#);
    assert_eq!(open(&file(&tensor("2", 8), &[0; 8])).unwrap().read("w").unwrap(), [0.0, 0.0]);
    for (shape, end) in [("2", 12), ("3", 12), ("4294967296,4294967296", 8), ("1,1,1,1,1,1,1,1,2", 8)] {
        let message = refusal(&file(&tensor(shape, end), &[0; 8]));
        assert!(message.contains("its header") || message.contains("expected its own size"), "{message}");
    }
    let mut huge = file(&tensor("2", 8), &[0; 8]);
    huge[7] = 1;
    assert!(refusal(&huge).contains("limit"));
}

#[test]
fn the_hash_is_that_of_the_file() {
    // By sha256sum.
    let hash = Checkpoint::open(&golden("zip.pth")).unwrap().sha256().unwrap();
    assert_eq!(hash, "9503c546eeb3808725d2fba38900e74e2a22d5701f122423802e015511551dfb");
}

#[test]
fn what_is_no_weight_file_says_what_it_is() {
    assert!(refusal(b"<!DOCTYPE html><html>").contains("<!DOCTYPE"));
    assert!(refusal(b"version https://git-lfs.github.com/spec/v1").contains("version https"));
    assert!(refusal(b"").contains("begins with \"\""));
    assert!(refusal(&pickle(&dict([]))).contains("begins with"));
    let error = Checkpoint::open("/no/such/file.pth".as_ref()).err().unwrap();
    assert!(matches!(error, CheckpointError::Open { .. }), "{error}");
}

#[test]
fn tensors_are_named_by_the_way_to_them() {
    let data = [1f32, 2.0].map(f32::to_le_bytes).concat();
    let one = |offset| dict([(text("backbone.w"), tensor("FloatStorage", "0", 2, offset, &[1], &[1]))]);
    let inner = dict([(text("net"), one(1)), (text("lr"), int(2))]);
    let items = [(text("epoch"), int(3)), (text("ema"), one(0)), (text("run"), inner), (int(0), one(0))];
    let checkpoint = open(&zip_file(&pickle(&dict(items)), &[("0", &data)])).unwrap();
    let names: Vec<&str> = checkpoint.tensors().keys().map(String::as_str).collect();
    assert_eq!(names, ["ema/backbone.w", "run/net/backbone.w"]);
    assert_eq!(checkpoint.read("run/net/backbone.w").unwrap(), [2.0]);
    // One dict under two names is one dict.
    let twice = [&b"}"[..], &text("a"), &one(0), b"q\x05s", &text("b"), b"h\x05s"].concat();
    assert_eq!(open(&zip_file(&pickle(&twice), &[("0", &data)])).unwrap().tensors().len(), 1);
}

#[test]
fn of_two_equal_keys_the_last_counts() {
    let w = || tensor("FloatStorage", "0", 1, 0, &[1], &[1]);
    let twice = dict([(text("w"), int(1)), (text("w"), w())]);
    assert_eq!(open(&zip_file(&pickle(&twice), &[("0", &[0; 4])])).unwrap().read("w").unwrap(), [0.0]);
}
