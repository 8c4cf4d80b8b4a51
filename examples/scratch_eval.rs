use crosscheck::evaluate::metrics::*;
use crosscheck::fit::{Fit, Settings};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::*;
use crosscheck::prepare::*;
use crosscheck::shapes::P;
use std::ops::ControlFlow;
use std::path::Path;

fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let (epochs, pixels): (usize, usize) = (a[1].parse().unwrap(), a[2].parse().unwrap());
    let hidden: usize = a[3].parse().unwrap();
    let mut all = vec![];
    for dir in &a[4..] {
        let kinds = std::fs::read_to_string(format!("{dir}/kinds")).unwrap();
        let data = std::fs::read(format!("{dir}/frames")).unwrap();
        let frames: Vec<(String, RgbdFrame, Vec<bool>)> = kinds
            .lines()
            .zip(data.chunks(P * 16))
            .map(|(k, b)| {
                let pts: Vec<f32> =
                    b[P * 3..P * 15].chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
                let cloud = OrganisedCloud::new(224, 224, pts.as_chunks::<3>().0.to_vec()).unwrap();
                (
                    k.to_string(),
                    RgbdFrame::new(224, 224, b[..P * 3].to_vec(), cloud).unwrap(),
                    b[P * 15..].iter().map(|v| *v > 0).collect(),
                )
            })
            .collect();
        let mut engine = Engine::read(Path::new(&a[0])).unwrap();
        engine.metadata.architecture.hidden = hidden;
        engine.metadata.preparation = Preparation { plane: PlaneMode::None, keep: Keep::All, seed: 0 };
        let t = std::time::Instant::now();
        let mut fit = Fit::new(engine, "/tmp".into()).unwrap();
        for (_, f, _) in frames.iter().filter(|f| f.0 == "fit") {
            assert!(fit.add(f).unwrap());
        }
        let settings = Settings { epochs, pixels, ..Settings::default() };
        let mut last = String::new();
        let fitted = fit
            .run(&settings, None, &mut |p| {
                last = format!("{:.4} held {:?}", p.loss, p.held_out_loss);
                ControlFlow::Continue(())
            })
            .unwrap();
        let fit_s = t.elapsed().as_secs_f64();
        let mut inspector = Inspector::new(fitted).unwrap();
        let mut tested = vec![];
        let mut ms = 0.0;
        let mut dump: Vec<u8> = vec![];
        for (k, f, truth) in frames.iter().filter(|f| f.0 != "fit") {
            let i = inspector.inspect(f).unwrap();
            ms = i.times.total().as_secs_f64() * 1e3;
            for m in [&i.maps.psi_rgb, &i.maps.psi_xyz, &i.maps.anomaly_map] { dump.extend(m.iter().flat_map(|v| v.to_le_bytes())); }
            let score = i.scores.map(|s| s.score);
            tested.push(Tested {
                name: k.clone(),
                defect: (k != "good").then(|| k.clone()),
                psi: Tested::psi_of(i.maps),
                truth: truth.clone(),
                score,
                verdict: None,
            });
        }
        std::fs::write(format!("{dir}/maps"), &dump).unwrap();
        report(dir, &tested, &mut all);
        println!("   fit {fit_s:.1} s loss {last}, inspect {ms:.0} ms");
    }
    if all.len() > 1 {
        println!("mean {}", line(&Metrics::mean(all.iter())));
    }
}

fn line(m: &Metrics) -> String {
    format!(
        "I {:.3} ref {:.3} P {:.4} PRO {:.3}",
        m.image_auroc.unwrap(),
        m.image_auroc_reference.unwrap(),
        m.pixel_auroc.unwrap(),
        m.aupro_30.unwrap()
    )
}

fn report(dir: &str, tested: &[Tested], all: &mut Vec<Metrics>) {
    let refs: Vec<&Tested> = tested.iter().collect();
    let m = Metrics::of(&refs, Aggregation::Product);
    println!("{dir} all {}", line(&m));
    all.push(m);
    let mut kinds: Vec<&String> = tested.iter().filter_map(|t| t.defect.as_ref()).collect();
    kinds.dedup();
    for k in kinds {
        let some: Vec<&Tested> = tested.iter().filter(|t| t.defect.as_ref().is_none_or(|d| d == k)).collect();
        println!(
            "   {k:10} {}  | sum I {:.3} rgb I {:.3} xyz I {:.3}",
            line(&Metrics::of(&some, Aggregation::Product)),
            Metrics::of(&some, Aggregation::Sum).image_auroc.unwrap(),
            Metrics::of(&some, Aggregation::Rgb).image_auroc.unwrap(),
            Metrics::of(&some, Aggregation::Xyz).image_auroc.unwrap()
        );
    }
    let mut goods: Vec<f32> = tested.iter().filter(|t| t.defect.is_none()).map(|t| t.score.unwrap()).collect();
    goods.sort_by(f32::total_cmp);
    println!("   good scores {:.3} {:.3} {:.3}", goods[0], goods[goods.len() / 2], goods[goods.len() - 1]);
}
