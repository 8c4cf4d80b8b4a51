use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use crosscheck::model::engine_file::{Engine, Storage};
use crosscheck::onnx::{self, OPSET};

use super::Outcome;

/// Write an engine's networks as ONNX graphs, for TensorRT or another runtime.
#[derive(Args)]
pub struct Arguments {
    /// Fitted engine file
    #[arg(long)]
    engine: PathBuf,
    /// Type of weights and large products
    #[arg(long, default_value = "f16")]
    precision: PrecisionOption,
    /// Folder for rgb_tokens.onnx, xyz_groups.onnx, map_rgb_to_xyz.onnx and map_xyz_to_rgb.onnx
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum PrecisionOption {
    F16,
    F32,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::read(&arguments.engine)?;
    let precision = match arguments.precision {
        PrecisionOption::F16 => Storage::F16,
        PrecisionOption::F32 => Storage::F32,
    };
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for path in onnx::export(&engine, precision, folder)? {
        log::info!("wrote {} (opset {OPSET})", path.display());
    }
    Ok(Outcome::Done)
}
