//! Progress bars; hidden where standard error is no terminal, and where nobody wants information (`--quiet`).

use crosscheck::backend::plans::Step;
use crosscheck::fit::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar with `template`, whose length is to be set.
pub fn bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if !log::log_enabled!(log::Level::Info) {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// A bar over `frames` frames.
pub fn frames_bar(frames: usize, what: &'static str) -> ProgressBar {
    let bar = bar("{msg} {bar:30} frame {pos}/{len}, {eta} left").with_message(what);
    bar.set_length(frames as u64);
    bar
}

/// The progress of a fit: loss and time left.
pub struct EpochBar {
    bar: ProgressBar,
    last: Option<Progress>,
}

impl Default for EpochBar {
    fn default() -> Self {
        Self { bar: bar("{prefix} {bar:30} epoch {pos}/{len}, {msg}, {eta} left"), last: None }
    }
}

impl EpochBar {
    pub fn show(&mut self, progress: &Progress) {
        self.bar.set_prefix(if progress.is_trial { "trial of turned copies" } else { "fit" });
        self.bar.set_length(progress.epochs as u64);
        self.bar.set_message(describe(progress));
        self.bar.set_position(progress.epoch as u64);
        self.last = Some(*progress);
    }

    pub fn finish(self) {
        self.bar.finish_and_clear();
        if let Some(progress) = self.last {
            log::info!("epoch {}: {}", progress.epoch, describe(&progress));
        }
    }
}

/// The progress of building plans.
#[derive(Default)]
pub struct PlanBar {
    bar: Option<(&'static str, ProgressBar)>,
}

impl PlanBar {
    /// Shows the last phase of each graph on a line of its own; without a terminal, logs each graph once.
    pub fn show(&mut self, step: &Step<'_>) {
        if self.bar.as_ref().is_none_or(|(graph, _)| *graph != step.graph) {
            self.finish();
            let bar = bar("{prefix} {bar:30} {pos}/{len} {msg}, {elapsed}").with_prefix(step.graph);
            if bar.is_hidden() {
                log::info!("building {}", step.graph);
            }
            self.bar = Some((step.graph, bar));
        }
        if let Some((_, bar)) = &self.bar {
            if let Some(of) = step.of {
                bar.set_length(of as u64);
            }
            bar.set_message(step.phase.to_string());
            bar.set_position(step.done as u64);
        }
    }

    pub fn finish(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn describe(progress: &Progress) -> String {
    let held_out = progress.held_out_loss.map_or("none".into(), |loss| format!("{loss:.4}"));
    format!("loss {:.4}, held out {held_out}", progress.loss)
}
