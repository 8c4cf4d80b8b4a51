use crosscheck::bench;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::*;
use crosscheck::model::*;
use crosscheck::prepare::Preparation;
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|s| s.parse().unwrap()).collect();
    // rgbw mlp layers xyzw layers G K e0 e1 e2 M
    let rgb = VitShape { width: a[0], heads: 3, mlp: a[1], layers: a[2] };
    let xyz = PointMaeShape {
        width: a[3],
        heads: 3,
        mlp: a[3] * 2,
        layers: a[4],
        taps: vec![a[4] - 1],
        groups: a[5],
        group_size: a[6],
        encoder: [a[7], a[8], a[9]],
        position_hidden: 128,
    };
    let architecture = Architecture { rgb, xyz, hidden: a[10] };
    architecture.check().unwrap();
    let weights = seeded::weights(&architecture, 1);
    let n: usize = weights.values().map(Vec::len).sum();
    let metadata = Metadata {
        variant: Variant::Default,
        architecture: architecture.clone(),
        precision: Precision::F16,
        preparation: Preparation::default(),
        standardise: true,
        geometry: Geometry::Metres,
        calibration: None,
        fitted_on: vec![],
        provenance: vec![],
    };
    let mut i = Inspector::new(Engine { metadata, weights, content_sha256: String::new() }).unwrap();
    let r = bench::run(&mut i, &architecture, &bench::frame().unwrap(), 15).unwrap();
    println!("params {n} points {} total {:.1} ms peak {:.0}", r.points, r.latency_ms.median, r.gemm_peak_gflops);
    for s in r.stages {
        println!("  {} {:.1} ms {:.2} gflop", s.name, s.median_ms, s.gflop);
    }
}
