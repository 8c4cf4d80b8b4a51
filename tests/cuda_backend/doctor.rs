//! `crosscheck doctor` tells what the driver and the GPU are, and what is missing.

use std::process::Command;

use serde_json::Value;

use crate::standin::run;

/// The findings, or none without the stand-in.
fn doctor(environment: &[(&str, &str)]) -> Option<Vec<Value>> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
    program.args(["doctor", "--json"]);
    let run = run(program, environment)?;
    let report: Value = serde_json::from_slice(&run.output.stdout).unwrap_or_else(|_| panic!("{}", run.printed()));
    Some(report["findings"].as_array().unwrap().clone())
}

/// Status and text of a finding.
fn named(findings: &[Value], name: &str) -> (String, String) {
    let finding = findings.iter().find(|finding| finding["name"] == name);
    let finding = finding.unwrap_or_else(|| panic!("no finding {name} in {findings:?}"));
    (finding["status"].as_str().unwrap().into(), finding["found"].as_str().unwrap().into())
}

#[test]
fn a_gpu_is_described_with_its_driver() {
    let environment = [("STANDIN_DRIVER", "12000"), ("STANDIN_CAPABILITY", "89"), ("STANDIN_PROCESSORS", "128")];
    let Some(found) = doctor(&environment) else { return };
    assert_eq!(named(&found, "cuda.driver"), ("ok".into(), "the driver is for CUDA 12.0".into()));
    let gpu = "stand-in, compute capability 8.9, 128 multiprocessors, 8192 MB of its 8192 MB of memory are free";
    assert_eq!(named(&found, "cuda.gpu"), ("ok".into(), gpu.into()));
    assert_eq!(named(&found, "cuda.kernels").0, "ok");
    assert_eq!(named(&found, "cuda.cublas"), ("ok".into(), "cuBLAS 12.6, for a fit on the GPU".into()));
    named(&found, "tensorrt");
}

#[test]
fn what_a_gpu_lacks_is_named() {
    for (environment, name, status, words) in [
        (("STANDIN_DRIVER", "11080"), "cuda.gpu", "warning", "CUDA 11.8 where 12.0 or later is expected; update it"),
        (("STANDIN_DEVICES", "0"), "cuda.gpu", "warning", "finds no GPU"),
        (("STANDIN_CAPABILITY", "75"), "cuda.kernels", "warning", "compute capability 7.5"),
        (("STANDIN_CUBLAS", "110805"), "cuda.cublas", "note", "cuBLAS 11.8 where 12.0"),
    ] {
        let Some(found) = doctor(&[environment]) else { return };
        let (got, text) = named(&found, name);
        assert!(got == status && text.contains(words), "{environment:?}: {got} {text}");
    }
}
