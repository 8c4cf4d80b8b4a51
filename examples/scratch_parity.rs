use crosscheck::backend::{Backend, XyzGroups, cpu::CpuBackend};
use crosscheck::fit::{Fit, Settings};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::model::engine_file::*;
use crosscheck::prepare::*;
use crosscheck::shapes::P;
use std::ops::ControlFlow;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let mut engine = Engine::read(path.as_ref()).unwrap();
    println!("{:?}", engine.metadata);
    engine.metadata.preparation = Preparation { plane: PlaneMode::None, keep: Keep::All, seed: 0 };
    engine.metadata.standardise = false; engine.metadata.precision = Precision::F32;
    let data = std::fs::read("/tmp/engine-eval/part100/frames").unwrap();
    let pts: Vec<f32> = data[P * 3..P * 15].chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let cloud = OrganisedCloud::new(224, 224, pts.as_chunks::<3>().0.to_vec()).unwrap();
    let frame = RgbdFrame::new(224, 224, data[..P * 3].to_vec(), cloud).unwrap();
    let mut fit = Fit::new(engine, "/tmp".into()).unwrap();
    fit.add(&frame).unwrap();
    let fitted = fit.run(&Settings { epochs: 0, ..Settings::default() }, None, &mut |_| ControlFlow::Continue(())).unwrap();
    println!("{:?}", fitted.metadata.geometry);
    let mut b = CpuBackend::new(&fitted.metadata.architecture, fitted.backbones());
    let input = prepare(&frame, &fitted.metadata.preparation);
    let (mut t, mut g) = (vec![], XyzGroups::default());
    b.rgb_tokens(&input.rgb, &mut t);
    b.xyz_groups(&input.cloud, &mut g);
    let bytes: Vec<u8> = t.iter().chain(&g.features).flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write("/tmp/parity.bin", bytes).unwrap();
}
