use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use crosscheck::backend;
use crosscheck::backend::selftest::{Failure, Golden, KernelTime, Report};
use crosscheck::files;

use super::Exit;
use super::examples;
use super::say::print;

/// Compare every CUDA kernel on this machine's GPU with the CPU. Exit code: 1 if a result is wrong.
#[derive(Args)]
#[command(after_long_help = examples::SELFTEST)]
pub struct Arguments {
    /// Back end to test
    #[arg(long, default_value = "cuda")]
    backend: Tested,
    /// Golden frame with the results of the published method (tests/golden/tiny-a.safetensors), on which the kernels are
    /// also timed; repeatable
    #[arg(long, value_name = "FILE")]
    golden: Vec<PathBuf>,
    /// Number of times that each of these frames is run for timing
    #[arg(long, default_value_t = 20)]
    repeats: usize,
    /// JSON file to write the report to as well
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tested {
    Cuda,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let Tested::Cuda = arguments.backend;
    if let Some(path) = &arguments.report {
        super::output::check(path)?;
    }
    let golden = arguments.golden.iter().map(|path| Golden::read(path)).collect::<Result<Vec<_>, _>>()?;
    let mut unwritten = None;
    let mut save = |report: &Report| {
        if let (Some(path), None) = (&arguments.report, &unwritten) {
            unwritten = write(path, report).err();
        }
    };
    let report = backend::run_selftest(&golden, arguments.repeats, &mut save);
    let report = report.inspect_err(|reason| save(&Report::not_begun(reason)))?;
    print(to_text(&report))?;
    if let Some(error) = unwritten {
        return Err(error);
    }
    Ok(if report.passes() { Exit::Done } else { Exit::Rejected })
}

/// Writes the report whole or not at all.
fn write(path: &Path, report: &Report) -> Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    files::write_text(path, &text).with_context(|| format!("cannot write {}", path.display()))
}

fn to_text(report: &Report) -> String {
    let mut text = format!("{}\n\n", report.device);
    for check in &report.checks {
        let verdict = if check.passes() { "ok  " } else { "FAIL" };
        let found = match check.bound {
            0.0 => format!("{} differ", check.error),
            bound => format!("{:.1e} of {bound:.1e}", check.error),
        };
        text += &format!("{verdict} {:<36} {found:<20} {} ({})\n", check.what, check.kernels, check.twin);
    }
    for Failure { group, reason } in &report.failures {
        text += &format!("FAIL {group}: {reason}\n");
    }
    if let Some(rates) = &report.rates {
        text += &format!(
            "\n{} multiprocessors at {:.2} GHz; memory {:.0} GB/s by its clock, {:.0} GB/s by a copy; products {:.1} TFLOP/s\n",
            rates.multiprocessors,
            rates.clock_ghz,
            rates.memory_gb_per_s,
            rates.copy_gb_per_s,
            rates.product_tflop_per_s
        );
    }
    if !report.times.is_empty() {
        text += "\nkernel               launches    median us      mean us  counted floor us\n";
        for KernelTime { kernel, launches, median_us, mean_us, floor_us } in &report.times {
            let floor = floor_us.map_or("not counted".into(), |us| format!("{us:.1}"));
            text += &format!("{kernel:<20} {launches:>8} {median_us:>12.1} {mean_us:>12.1} {floor:>17}\n");
        }
    }
    report.notes.iter().for_each(|note| text += &format!("\n{note}\n"));
    let failed = report.checks.iter().filter(|check| !check.passes()).count();
    text += &format!("\n{} checks, {failed} failed", report.checks.len());
    match report.failures.len() {
        0 => text,
        broken => text + &format!("; {broken} groups of checks ended with an error"),
    }
}
