//! Progress bars; hidden where standard error is no terminal.

use crosscheck::fit::{Progress, Settings};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `frames` frames.
pub fn frames_bar(frames: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(frames as u64).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} frame {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Where a fit is: loss and time left.
pub struct EpochBar {
    bar: ProgressBar,
    last: Option<Progress>,
}

impl EpochBar {
    pub fn new(settings: Settings) -> Self {
        let bar = ProgressBar::new(settings.epochs as u64);
        if let Ok(style) = ProgressStyle::with_template("fit {bar:30} epoch {pos}/{len}, {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, last: None }
    }

    pub fn show(&mut self, progress: &Progress) {
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

fn describe(progress: &Progress) -> String {
    let held_out = progress.held_out_loss.map_or("none".into(), |loss| format!("{loss:.4}"));
    format!("loss {:.4}, held out {held_out}", progress.loss)
}
