use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::model::engine_file::{Engine, Storage};
use crosscheck::onnx::{self, OPSET};

use super::Exit;
use super::examples;
use super::options::one_of;

/// Write an engine's networks as ONNX graphs, for TensorRT or another runtime.
#[derive(Args)]
#[command(after_long_help = examples::EXPORT_ONNX)]
pub struct Arguments {
    /// Fitted engine file
    #[arg(long)]
    engine: PathBuf,
    /// Type of the weights and of the large matrix products
    #[arg(long, default_value = "f16", value_parser = one_of::<Storage>(Storage::WORDS))]
    precision: Storage,
    /// Folder for rgb_tokens.onnx, xyz_groups.onnx, map_rgb_to_xyz.onnx and map_xyz_to_rgb.onnx
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let engine = Engine::read(&arguments.engine)?;
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for path in onnx::export(&engine, arguments.precision, folder)? {
        log::info!("wrote {} (opset {OPSET})", path.display());
    }
    Ok(Exit::Done)
}
