//! A small dataset on disk, and the report on it.

use std::collections::BTreeMap;

use crosscheck::dataset::mvtec3d;
use crosscheck::frame::RgbdFrame;
use serde_json::Value;

use crate::program::{Desk, FIT, flat};
use crate::support::part::{self, Defect};

const METRICS: [&str; 8] =
    ["image_auroc", "pixel_auroc", "aupro_30", "aupro_10", "aupro_05", "aupro_01", "false_reject_rate", "miss_rate"];

/// Two classes as MVTec 3D-AD keeps them; the second has no stained part.
fn dataset() -> Desk {
    let desk = Desk::new();
    for (class, kinds, seed) in [("disc", &["good", "dent", "stain"][..], 0), ("other", &["good", "dent"], 100)] {
        let write = |folder: &str, seed: u64, defect: Option<Defect>| {
            let truth = if defect.is_some() { part::truth() } else { vec![false; 224 * 224] };
            let folder = desk.path(&format!("data/{class}/{folder}"));
            mvtec3d::write(&folder, &format!("{seed:03}"), &part::frame(seed, defect), Some(&truth)).unwrap();
        };
        (0..3).for_each(|i| write("train/good", seed + i, None));
        (10..12).for_each(|i| write("validation/good", seed + i, None));
        for (i, kind) in (20..).step_by(2).zip(kinds) {
            let defect = match *kind {
                "dent" => Some(Defect::Dent),
                "stain" => Some(Defect::Stain),
                _ => None,
            };
            (i..i + 2).for_each(|i| write(&format!("test/{kind}"), seed + i, defect));
        }
    }
    desk
}

fn report(desk: &Desk) -> Value {
    serde_json::from_slice(&desk.read("report/report.json")).unwrap()
}

/// Figures of one column, each there and a share.
fn figures(metrics: &Value) -> BTreeMap<&'static str, f64> {
    let figure = |name: &&'static str| {
        let value = metrics[name].as_f64().unwrap_or_else(|| panic!("{name} of {metrics}"));
        assert!((0.0..=1.0).contains(&value), "{name} of {metrics}");
        (*name, value)
    };
    METRICS.iter().map(figure).collect()
}

fn names(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[test]
fn a_report_has_every_class_and_every_kind_of_defect() {
    let desk = dataset();
    let run = desk.done(&format!("evaluate --engine @default --dataset data {FIT} --report report"));
    assert!(run.out.contains("I-AUROC") && run.out.contains("dent") && run.out.contains("**mean**"), "{}", run.out);
    assert_eq!(run.out.as_bytes(), desk.read("report/report.md"));
    // Two validation frames cannot support one in a hundred.
    assert!(run.err.contains("class disc: 2 validation frames support"), "{}", run.err);
    for summary in ["disc, fit: 3 of 3", "disc, calibrate: 2 of 2", "disc, test: 6 of 6", "other, test: 4 of 4"] {
        assert!(run.err.contains(&format!("{summary} frames used")), "{summary} in {}", run.err);
    }

    let report = report(&desk);
    assert_eq!((&report["format"], &report["dataset"]), (&1.into(), &"data".into()));
    assert_eq!((&report["engine"]["variant"], &report["engine"]["fit"]["epochs"]), (&"default".into(), &8.into()));
    assert!(report["speed"]["frames_per_second"].as_f64().unwrap() > 0.0);
    let classes = &report["classes"];
    assert_eq!(names(classes), ["disc", "other"]);
    assert_eq!(names(&classes["disc"]["defects"]), ["dent", "stain"]);
    assert_eq!(names(&classes["other"]["defects"]), ["dent"]);
    let mean = figures(&report["mean"]);
    let each = ["disc", "other"].map(|class| figures(&classes[class]));
    for name in METRICS {
        assert!((mean[name] - (each[0][name] + each[1][name]) / 2.0).abs() < 1e-9, "{name}");
    }
    for class in ["disc", "other"] {
        assert_eq!(classes[class]["fit_frames"], 3);
        assert!(classes[class]["threshold"].as_f64().unwrap() > 0.0);
        classes[class]["defects"].as_object().unwrap().values().for_each(|defect| assert_eq!(figures(defect).len(), 8));
    }
    // A deep dent at one place is found, if not in every pixel.
    assert!(figures(&classes["disc"]["defects"]["dent"])["pixel_auroc"] > 0.7, "{}", classes["disc"]);
    what_a_line_lets_through(&report);
    let files = desk.files();
    for name in ["pro_curves.svg", "misses_by_size.svg", "scores_disc.svg", "scores_other.svg"] {
        let text = &files[&desk.path(&format!("report/{name}"))];
        assert!(text.windows(4).any(|w| w == b"<svg"), "{name}");
    }
    let page = String::from_utf8(desk.read("report/report.html")).unwrap();
    assert_eq!(["image/svg+xml", "image/jpeg"].map(|kind| page.matches(&format!("src=\"data:{kind}")).count()), [4, 2]);
    for line in run.out.lines().filter_map(|line| line.strip_prefix("## ")) {
        assert!(page.contains(&format!(">{line}</h2>")), "{line} in {page}");
    }
    // It needs nothing from elsewhere.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "{page}");
}

/// Two good frames, and two of each kind of defect, in each class.
fn what_a_line_lets_through(report: &Value) {
    let disc = &report["classes"]["disc"];
    for (name, figure) in [("miss_rate_at_01", &disc["miss_rate_at_01"]), ("miss_rate", &report["mean"]["miss_rate"])] {
        let value = figure.as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{name} is {value}");
    }
    let note = disc["notes"][0].as_str().unwrap();
    assert!(note.starts_with("2 good test frames cannot show a false-reject rate of 1 %"), "{note}");
    for owner in [disc, &disc["defects"]["dent"], &report["mean"]] {
        let (rate, interval) = (owner["miss_rate"].as_f64().unwrap(), &owner["intervals"]["miss_rate"]);
        let [least, most] = [0, 1].map(|i| interval[i].as_f64().unwrap());
        assert!(least <= rate && rate <= most && least < most, "{rate} in {interval}");
    }
    // Whatever was not missed of the dents lies at what is marked, or beside it.
    let (dent, told) = (&disc["defects"]["dent"], &disc["deviations"]["kinds"]["dent"]);
    let passed = (dent["miss_rate"].as_f64().unwrap() * 2.0).round() as u64;
    let [frames, beside] = ["frames", "beside"].map(|name| told[name].as_u64().unwrap_or(0));
    assert_eq!(frames + beside, 2 - passed, "{told}");
    assert!(frames == 0 || told["area"]["median"].is_number() && told["centre_pixels"]["p90"].is_number(), "{told}");
    assert_eq!(disc["false_reject_rate_binomial"].as_array().unwrap().len(), 2);
    let rows = report["frames"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    let row = rows.iter().find(|row| row["name"] == "dent/022" && row["class"] == "disc").unwrap();
    assert_eq!(row["defect"], "dent");
    assert!(row["score"].is_number() && row["verdict"].is_string() && row["reason"].is_null(), "{row}");
    let (mm, share) = (row["size_mm"].as_f64().unwrap(), row["size_share"].as_f64().unwrap());
    assert!(mm > 0.5 && mm < 100.0 && share > 0.0 && share < 1.0, "{row}");
    assert!(rows.iter().all(|row| row["defect"].is_null() == row["size_mm"].is_null()));
    let bin = &disc["sizes"][0];
    assert_eq!((&bin["frames"], &disc["without_size"]), (&4.into(), &0.into()));
    assert!(bin["from_mm"].is_number() && bin["misses"].is_number() && bin["at_01"]["rate"].is_number(), "{bin}");
    assert_eq!(report["sizes"][0]["frames"], 6);
}

#[test]
fn shots_are_a_table_and_classes_can_be_chosen() {
    let desk = dataset();
    let evaluate =
        "evaluate --engine @default --dataset data --epochs 2 --pixels 64 --copies 0 --turned never --report report";
    let run = desk.done(&format!("{evaluate} --classes other --shots 1,2"));
    assert!(run.out.contains("1-shot") && run.out.contains("2-shot"), "{}", run.out);
    let report = report(&desk);
    assert_eq!(names(&report["classes"]), ["other"]);
    assert_eq!(names(&report["shots"]), ["1", "2"]);
    // The main figures are the last number's.
    assert_eq!(report["shots"]["2"]["mean"], report["mean"]);
    assert_eq!(report["shots"]["1"]["classes"]["other"]["fit_frames"], 1);
    assert_eq!(report["classes"]["other"]["fit_frames"], 2);
}

#[test]
fn a_fitted_engine_is_only_tested() {
    let desk = dataset();
    // Were it fitted, the missing splits would be missed.
    std::fs::remove_dir_all(desk.path("data/disc/train")).unwrap();
    std::fs::remove_dir_all(desk.path("data/disc/validation")).unwrap();
    desk.done("evaluate --engine @calibrated --dataset data --classes disc --report report");
    let found = report(&desk);
    assert!(found["engine"]["fit"].is_null() && found["classes"]["disc"]["fit_frames"].is_null());
    assert!(found["classes"]["disc"]["miss_rate"].is_number());
    // Without a threshold there are no verdicts to count.
    desk.done("evaluate --engine @fitted --dataset data --classes disc --report report");
    let found = report(&desk);
    assert!(found["classes"]["disc"]["miss_rate"].is_null() && found["classes"]["disc"]["image_auroc"].is_number());
    desk.refused_with("evaluate --engine @fitted --dataset data --shots 2", &["fitted already", "--shots"]);
    desk.refused_with("evaluate --engine @default --dataset data --shots 0", &["at least 1"]);
}

#[test]
fn two_reports_are_compared_and_a_report_is_kept_whatever_it_is_compared_with() {
    let desk = dataset();
    let evaluate = "evaluate --engine @calibrated --dataset data --classes disc";
    desk.done(&format!("{evaluate} --report first"));
    desk.done(&format!("{evaluate} --report report --compare first/report.json"));
    let text = std::fs::read_to_string(desk.path("report/report.md")).unwrap();
    assert!(text.contains("## Compared with first/report.json") && text.contains("| **all defective** |"), "{text}");
    // Frames without a verdict are in no pair.
    let unjudged = "evaluate --engine @fitted --dataset data --classes disc --report kept --compare first/report.json";
    let run = desk.run(unjudged);
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("cannot compare with first/report.json"), "{}", run.err);
    assert!(run.err.contains("no judged test frame in common") && run.out.contains("# Evaluation of"), "{}", run.err);
    assert!(desk.path("kept/report.json").exists());
    std::fs::write(desk.path("other.json"), "{}").unwrap();
    desk.refused_with(&format!("{evaluate} --compare other.json"), &["other.json is no report.json"]);
}

#[test]
fn a_class_without_most_of_its_frames_is_not_learnt() {
    let desk = dataset();
    let empty = RgbdFrame::new(224, 224, part::frame(0, None).rgb().to_vec(), flat(0.0)).unwrap();
    for name in ["000", "002"] {
        mvtec3d::write(&desk.path("data/disc/train/good"), name, &empty, None).unwrap();
    }
    let line = format!("evaluate --engine @default --dataset data --classes disc {FIT}");
    desk.refused_with(&line, &["class disc: more than half", "1 of 3 frames used", "--accept-left-out"]);
    let run = desk.done(&format!("{line} --accept-left-out"));
    assert!(run.err.contains("disc, fit: 1 of 3 frames used; 2 left out"), "{}", run.err);
}

#[test]
fn datasets_that_lack_something() {
    let desk = dataset();
    let evaluate = |options: &str| format!("evaluate --engine @fitted --dataset data {options}");
    desk.refused_with(&evaluate("--classes disc,ring"), &["data has no class ring", "disc, other"]);
    desk.refused_with(&evaluate("--layout eyecandies"), &["test split"]);
    desk.refused_with("evaluate --engine @fitted --dataset data/disc/test/good", &["train/good", "rgb"]);
    desk.refused_with("evaluate --engine @fitted --dataset data/disc/test/good/rgb", &["no folders"]);
    desk.refused_with(&evaluate("--report data/disc/test/good/rgb/020.png"), &["cannot make the folder"]);
    let fit = format!("evaluate --engine @default --dataset data {FIT} --classes other");
    for split in ["train", "validation"] {
        std::fs::rename(desk.path(&format!("data/other/{split}")), desk.path("moved")).unwrap();
        desk.refused_with(&fit, &[&format!("data/other/{split}")]);
        std::fs::rename(desk.path("moved"), desk.path(&format!("data/other/{split}"))).unwrap();
    }
    let small = image::GrayImage::new(100, 50);
    small.save(desk.path("data/disc/test/dent/gt/022.png")).unwrap();
    desk.refused_with(&evaluate(""), &["022.png", "100 x 50", "224 x 224"]);
    std::fs::remove_file(desk.path("data/disc/test/dent/gt/022.png")).unwrap();
    desk.refused_with(&evaluate(""), &["022.png shows a defect but has no mask", "dent/gt"]);
    std::fs::remove_file(desk.path("data/other/test/good/xyz/120.tiff")).unwrap();
    desk.refused_with(&evaluate("--classes other"), &["120.png", "each colour image needs its xyz"]);
    std::fs::remove_dir_all(desk.path("data/disc/test")).unwrap();
    desk.refused_with(&evaluate("--classes disc"), &["data/disc/test"]);
}
