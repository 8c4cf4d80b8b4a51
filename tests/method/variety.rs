//! Fits on copies of good frames: what is chosen, that it is the same every time, and that it goes on after a break.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use crosscheck::fit::{Decay, Fit, FitError, FitSettings, Keep, Progress, Turned};
use crosscheck::model::Variant;
use crosscheck::model::engine_file::{Engine, Metadata};

use crate::support::part::frame;
use crate::support::small_engine;

const FRAMES: u64 = 5;
const SETTINGS: FitSettings = FitSettings {
    epochs: 8,
    pixels: 64,
    seed: 3,
    held_out: 0.2,
    score: None,
    copies: 1,
    turned: Turned::Auto,
    decay: Decay::Cosine,
    gaps: false,
};

/// A fit of good frames, which `observe` may break off.
fn fit(
    settings: FitSettings,
    keep: Option<&Keep>,
    observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Engine, FitError> {
    let mut fit = Fit::new(small_engine::engine(0.5), settings, std::env::temp_dir()).unwrap();
    (0..FRAMES).for_each(|seed| assert_eq!(fit.add(&frame(seed, None)).unwrap().parts.len(), 1));
    assert_eq!(fit.frames(), FRAMES as usize);
    fit.run(keep, observe)
}

/// The whole fit.
fn fitted(settings: FitSettings) -> Engine {
    fit(settings, None, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn keep(path: &Path, resume: bool) -> Keep {
    Keep { path: path.into(), every: Duration::MAX, resume }
}

#[test]
fn published_variants_are_fitted_by_the_published_protocol() {
    for variant in Variant::PUBLISHED {
        assert_eq!(FitSettings::of(variant), FitSettings::default());
    }
    let FitSettings { epochs, copies, turned, decay, .. } = FitSettings::default();
    assert_eq!((epochs, copies, turned, decay), (250, 0, Turned::Never, Decay::None));
    let own = FitSettings::of(Variant::Default);
    assert_eq!((own.copies, own.turned, own.decay), (3, Turned::Auto, Decay::Cosine));
}

#[test]
fn each_setting_changes_what_is_learnt_and_auto_is_one_of_the_others() {
    let mut trials = 0;
    let mut epochs = 0;
    let auto = fit(SETTINGS, None, &mut |progress| {
        *(if progress.is_trial { &mut trials } else { &mut epochs }) += 1;
        ControlFlow::Continue(())
    });
    // Two trials of a quarter of the epochs.
    assert_eq!((trials, epochs), (4, 8));
    let auto = auto.unwrap();
    let [never, always] = [Turned::Never, Turned::Always].map(|turned| fitted(FitSettings { turned, ..SETTINGS }));
    assert_ne!(never.weights, always.weights);
    assert!(auto.weights == never.weights || auto.weights == always.weights);
    // Copies are no frames of their own. How the distances compare on good parts is the mappings' doing.
    let balance = never.metadata.balance;
    assert!(balance.is_some() && always.metadata.balance.is_some());
    assert_eq!(Metadata { balance, ..always.metadata.clone() }, never.metadata);
    assert_eq!(always.metadata.fitted_on.len(), FRAMES as usize);
    let plain = FitSettings { turned: Turned::Never, copies: 0, ..SETTINGS };
    for other in [plain, FitSettings { turned: Turned::Never, decay: Decay::None, ..SETTINGS }] {
        assert_ne!(fitted(other).weights, never.weights, "{other:?}");
    }
}

#[test]
fn a_fit_that_was_broken_off_goes_on_without_another_trial() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    // In the trial there is nothing to keep yet.
    let broken = fit(SETTINGS, Some(&keep(&path, false)), &mut |_| ControlFlow::Break(()));
    assert!(matches!(broken, Err(FitError::Interrupted)) && !path.exists());
    let stop = |progress: &Progress| progress.epoch == 3 && !progress.is_trial;
    let halfway = fit(SETTINGS, Some(&keep(&path, false)), &mut |progress| {
        if stop(progress) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    for (settings, word) in [
        (FitSettings { copies: 2, ..SETTINGS }, "--copies 1 where this fit has 2"),
        (FitSettings { decay: Decay::None, ..SETTINGS }, "--decay \"cosine\" where this fit has \"none\""),
    ] {
        let refused = fit(settings, Some(&keep(&path, true)), &mut |_| ControlFlow::Continue(()));
        let Err(FitError::StateRead { reason, .. }) = refused else { panic!("{settings:?} was accepted") };
        assert!(reason.contains(word), "{reason}");
    }
    let mut seen = Vec::new();
    let resumed = fit(SETTINGS, Some(&keep(&path, true)), &mut |progress| {
        seen.push((progress.is_trial, progress.epoch));
        ControlFlow::Continue(())
    });
    assert_eq!(seen, (4..=8).map(|epoch| (false, epoch)).collect::<Vec<_>>());
    let resumed = resumed.unwrap();
    assert_ne!(halfway.unwrap().weights, resumed.weights);
    assert_eq!(resumed.weights, fitted(SETTINGS).weights);
}
