use super::*;
use crate::conformal::calibrate;
use crate::evaluate::interval::binomial;
use crate::model::engine_file::Engine;

/// A station that judged `scores`, parts numbered in that order: it recorded what lies above 0.5 and each fiftieth else, and
/// those above it were found good.
fn judged(scores: &[f32]) -> Recording {
    let recording = Recording::new();
    for (part, score) in (0..).zip(scores) {
        let verdict = if *score <= 0.5 { Verdict::Pass } else { Verdict::Reject };
        let is_end = part == 0 || part as usize + 1 == scores.len();
        if verdict == Verdict::Reject || part % 50 == 0 || is_end {
            recording.add(&name(part), &record(part, verdict, *score));
        }
        if verdict == Verdict::Reject {
            recording.say(&name(part), Opinion::Good);
        }
    }
    recording
}

fn engine() -> Engine {
    let mut engine = Engine::built_in().unwrap();
    engine.metadata.calibration = Some(calibrate(&[0.1, 0.2, 0.5], 0.3, Some(0.6)).unwrap());
    engine.content_sha256 = "abc".into();
    engine
}

fn scores(seed: u64) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    // About one in twenty lies above the limit.
    (0..400).map(|_| random.f32().powi(3) * 0.54).collect()
}

fn rates(false_reject: f64) -> Rates {
    Rates { false_reject, review: None }
}

#[test]
fn the_threshold_is_the_one_that_all_scores_would_give() {
    let engine = engine();
    for seed in 0..4 {
        let scores = scores(seed);
        let rejected = scores.iter().filter(|score| **score > 0.5).count();
        assert!((4..40).contains(&rejected), "{rejected}");
        let recording = judged(&scores);
        let mut gallery = recording.gallery();
        for rate in [0.003, 0.005, 0.01] {
            let found = gallery.recalibrate(&engine, &[], rates(rate)).unwrap();
            let all = calibrate(&scores, rate, None).unwrap();
            assert_eq!(found.calibration.threshold, all.threshold, "seed {seed}, rate {rate}");
            assert_eq!(found.calibration.guaranteed_rate, all.guaranteed_rate);
            assert_eq!((found.good, found.found, found.not_reviewed), (400, rejected, 0));
            // The review band of before stays.
            assert_eq!(found.calibration.review, engine.metadata.calibration.unwrap().review);
        }
        // With more good parts beside.
        let more = self::scores(seed + 100);
        let found = gallery.recalibrate(&engine, &more, rates(0.005)).unwrap();
        let all = calibrate(&[scores, more].concat(), 0.005, None).unwrap();
        assert_eq!(found.calibration.threshold, all.threshold);
        let error = gallery.recalibrate(&engine, &[], rates(0.3)).unwrap_err();
        assert!(matches!(error, ReviewError::Unrecorded { .. }), "{error}");
        assert!(error.to_string().contains("crosscheck calibrate"), "{error}");
    }
}

#[test]
fn what_nobody_has_looked_at_never_loosens_the_threshold() {
    let (engine, scores) = (engine(), scores(1));
    let recording = judged(&scores);
    let threshold = |recording: &Recording| {
        recording.gallery().recalibrate(&engine, &[], rates(0.005)).unwrap().calibration.threshold
    };
    let all = threshold(&recording);
    let (highest, _) = (0..).zip(&scores).max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    recording.say(&name(highest), Opinion::Defect);
    let without = threshold(&recording);
    fs::remove_file(finding_of(&recording, highest, Verdict::Reject)).unwrap();
    let found = recording.gallery().recalibrate(&engine, &[], rates(0.005)).unwrap();
    assert_eq!((found.not_reviewed, found.good, found.calibration.threshold), (1, 399, without));
    assert!(without < all, "{without} {all}");
}

#[test]
fn another_engine_s_parts_tell_nothing() {
    let recording = judged(&scores(2));
    let other = Engine { content_sha256: "other".into(), ..engine() };
    let error = recording.gallery().recalibrate(&other, &[], rates(0.005)).unwrap_err();
    assert!(matches!(error, ReviewError::NoneJudged { .. }), "{error}");
    // A start with two engines is left out as a whole.
    recording.add(&name(401), &PartRecord { engine_sha256: "other".into(), ..record(401, Verdict::Reject, 9.0) });
    let error = recording.gallery().recalibrate(&engine(), &[], rates(0.005)).unwrap_err();
    assert!(matches!(error, ReviewError::NoneJudged { .. }), "{error}");
    // So many parts that a name may claim are never counted out.
    let far = Recording::new();
    for part in [0, 1 << 40] {
        far.add(&name(part), &record(part, Verdict::Reject, 1.0));
    }
    let error = far.gallery().recalibrate(&engine(), &[], rates(0.005)).unwrap_err();
    assert!(matches!(error, ReviewError::TooMany { .. }), "{error}");
}

#[test]
fn the_summary_counts_what_persons_found() {
    let recording = Recording::new();
    let parts = [
        (10, Verdict::Reject, Some(Opinion::Good), None),
        (11, Verdict::Reject, Some(Opinion::Defect), Some(Kind::Shape)),
        (20, Verdict::Reject, Some(Opinion::Defect), Some(Kind::Missing)),
        (21, Verdict::Review, Some(Opinion::Defect), None),
        (30, Verdict::Reject, Some(Opinion::Unsure), None),
        (31, Verdict::Reject, None, None),
        (40, Verdict::Pass, Some(Opinion::Defect), Some(Kind::Shape)),
        (109, Verdict::Pass, Some(Opinion::Good), None),
    ];
    for (part, verdict, opinion, kind) in parts {
        let defects = if part == 21 { vec![defect(Kind::Missing)] } else { Vec::new() };
        recording.add(&name(part), &PartRecord { defects, ..record(part, verdict, part as f32) });
        if let Some(opinion) = opinion {
            let finding = Finding::new(opinion, kind, "", 1).unwrap();
            recording.gallery().part(&name(part)).unwrap().say(&finding, None).unwrap();
        }
    }
    fs::write(recording.folder_of(Verdict::Pass).join("verdict").join(format!("{}.json", name(50))), "{").unwrap();
    let other = Promise::of(&Engine { content_sha256: "other".into(), ..engine() });
    let summary = recording.gallery().summary(Some(&other)).unwrap();
    assert_eq!((summary.judged, summary.unreadable, summary.misses_known), (100, 1, 1));
    let reject = Counts { recorded: 5, good: 1, defect: 2, unsure: 1, not_reviewed: 1 };
    assert_eq!(summary.reject, reject);
    assert_eq!(summary.review, Counts { recorded: 1, defect: 1, ..Counts::default() });
    // Four parts have a defect.
    let interval = binomial(1, 96).unwrap();
    let expected = FalseRejects { count: 1, of: 96, rate: 1.0 / 96.0, interval, rate_at_most: 3.0 / 96.0 };
    assert_eq!(summary.false_rejects, Some(expected));
    let kinds = [(Kind::Shape, 2), (Kind::Missing, 2)].map(|(kind, parts)| KindCount { kind, parts });
    assert_eq!(summary.kinds, kinds);
    assert_eq!((summary.other_engine, summary.promised_rate.is_some()), (Some(8), true));
    let if_high = what_if(&summary.scores, 1000.0);
    assert_eq!((if_high.good, if_high.false_rejects, if_high.defective, if_high.misses), (2, 0, 4, 4));
    assert_eq!(recording.gallery().summary(None).unwrap().promised_rate, None);
    // Names by the clock do not tell how many parts there were.
    let old = Recording::new();
    old.add("1700000000000-00000009", &record(9, Verdict::Reject, 1.0));
    assert_eq!(old.gallery().summary(None).unwrap().false_rejects, None);
}
