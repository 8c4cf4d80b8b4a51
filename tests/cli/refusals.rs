//! Requests that cannot be met end with exit code 2, state what is wrong and what to do, and leave no file behind.

use crosscheck::dataset::mvtec3d;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::shapes::{P, W};

use crate::program::{Desk, flat};
use crate::support::part;

const INSPECT: &str = "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff";

/// A frame of the part's colour with `cloud`.
fn with_cloud(cloud: OrganisedCloud) -> Desk {
    let rgb = part::frame(0, None).rgb().to_vec();
    Desk::with(&RgbdFrame::new(W, W, rgb, cloud).unwrap())
}

#[test]
fn clouds_that_cannot_be_of_the_frame() {
    // Without a point a part is a reject with its reason, not an error.
    let desk = with_cloud(flat(0.0));
    let empty = ["no point where the part may be", "check the depth stream"];
    let rejected = |line: &str| {
        let run = desk.run(line);
        assert!(
            run.code == Some(1) && empty.iter().all(|word| run.out.contains(word)),
            "{line}: {} {}",
            run.out,
            run.err
        );
    };
    rejected(INSPECT);
    rejected(&format!("{INSPECT} --out out"));
    let odd = vec![f32::NAN; P * 3].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (224, 224, 3), }\n";
    desk.write("xyz.npy", [&b"\x93NUMPY\x01\x00"[..], &[header.len() as u8, 0], header.as_bytes(), &odd].concat());
    rejected("inspect --engine @fitted --rgb rgb.png --xyz xyz.npy");
    let sizes = ["500 x 400", "224 x 224", "registered", "xyz.tiff"];
    desk.refused_with("inspect --engine @fitted --rgb @golden/preprocess/rgb.png --xyz xyz.tiff", &sizes);
    desk.refused_with("bench --engine @fitted --rgb @golden/preprocess/rgb.png --xyz xyz.tiff", &sizes);
    desk.refused_with("bench --engine @fitted --rgb rgb.png --xyz xyz.tiff", &empty);
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_back_end_that_was_left_out() {
    let desk = Desk::with(&part::frame(0, None));
    let fit = "fit --engine @default --nominal @good --backend cuda --output new";
    for line in [&format!("{INSPECT} --backend cuda"), "selftest", fit] {
        desk.refused_with(line, &["without the CUDA back end", "--features cuda"]);
    }
    desk.refused_with("engine build --engine @fitted --target sm89", &["without TensorRT", "--features tensorrt"]);
}

#[test]
fn files_that_are_not_there_or_are_folders() {
    let desk = Desk::with(&part::frame(0, None));
    std::fs::create_dir_all(desk.path("folder.tiff")).unwrap();
    for line in [
        "inspect --engine none --rgb rgb.png --xyz xyz.tiff",
        "inspect --engine @fitted --rgb none --xyz xyz.tiff",
        "inspect --engine @fitted --rgb rgb.png --xyz none.tiff",
        "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --camera none",
        "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --scene none.toml",
        "bench --engine none",
        "fit --engine none --nominal @good --output new",
        "fit --engine @default --nominal none --output new",
        "fit --engine @default --nominal @good --output none/new",
        "calibrate --engine none --nominal @held",
        "calibrate --engine @fitted --nominal none --output new",
        "calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output none/new",
        "evaluate --engine none --dataset @good",
        "evaluate --engine @fitted --dataset none",
        "import --variant tiny --rgb none --xyz @golden/checkpoints/zip.pth --output new",
        "import --variant tiny --seeded 1 --scene none.toml --output new",
        "import --variant tiny --seeded 1 --output none/new",
    ] {
        desk.refused_with(line, &["none"]);
        // A folder where a file should be, a file where a folder should be.
        let folder =
            if line.contains("--nominal none") || line.contains("--dataset none") { "rgb.png" } else { "folder.tiff" };
        if !line.contains("none/") {
            let line = line.replace("none.tiff", "none").replace("none.toml", "none").replace("none", folder);
            desk.refused_with(&line, &[folder]);
        }
    }
    desk.refused_with("inspect --engine @fitted --rgb rgb.png --xyz rgb.png/xyz.tiff", &["rgb.png/xyz.tiff"]);
    for line in ["import --variant tiny --seeded 1", "fit --engine @default --nominal @good --epochs 1"] {
        desk.refused_with(&format!("{line} --output folder.tiff"), &["folder.tiff"]);
    }
    desk.refused_with(&format!("{INSPECT} --out rgb.png/out"), &["cannot make the folder rgb.png/out"]);
    desk.refused_with(&format!("{INSPECT} --out rgb.png"), &["cannot make the folder rgb.png"]);
}

#[test]
fn an_output_that_cannot_be_is_found_before_hours_are_spent() {
    let desk = Desk::new();
    mvtec3d::write(&desk.path("good"), "0", &part::frame(0, None), None).unwrap();
    // A frame that would be found next.
    desk.write("good/rgb/0.png", "no image");
    std::fs::create_dir(desk.path("folder")).unwrap();
    for command in ["fit --engine @default", "calibrate --engine @fitted"] {
        let command = format!("{command} --nominal good --output");
        desk.refused_with(&format!("{command} new"), &["0.png"]);
        desk.refused_with(
            &format!("{command} none/new"),
            &["cannot write none/new", "none is not there: make it first"],
        );
        desk.refused_with(&format!("{command} folder"), &["cannot write folder", "a folder"]);
    }
}

#[test]
#[cfg(unix)]
fn what_is_no_ordinary_file_is_not_written_over() {
    use std::os::unix::fs::FileTypeExt;
    let desk = Desk::new();
    // Stands for /dev/null, which a rename would replace for everyone where it may.
    assert!(std::process::Command::new("mkfifo").arg(desk.path("pipe")).status().unwrap().success());
    let run = desk.run("import --variant tiny --seeded 1 --output pipe");
    assert!(run.code == Some(2) && run.err.contains("pipe") && run.err.contains("ordinary file"), "{}", run.err);
    assert!(std::fs::symlink_metadata(desk.path("pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn depth_without_its_camera_and_cameras_that_cannot_be() {
    let desk = Desk::with(&part::frame(0, None));
    let depth = image::ImageBuffer::from_pixel(224, 224, image::Luma([500u16]));
    depth.save(desk.path("depth.png")).unwrap();
    let inspect = "inspect --engine @fitted --rgb rgb.png --xyz depth.png";
    desk.refused_with(inspect, &["depth.png is a depth image", "--camera"]);
    desk.refused_with(&inspect.replace("inspect", "bench"), &["--camera"]);
    desk.refused_with("inspect --engine @fitted --rgb rgb.png --xyz rgb.png --camera camera.toml", &["camera.toml"]);
    let good = "fx = 500\nfy = 500\ncx = 112\ncy = 112\ndepth_unit_m = 0.001\n";
    for (text, words) in [
        ("", "missing field"),
        ("not TOML", "camera.toml is not valid"),
        (&good.replace("fx = 500", "fx = -5"), "fx is -5"),
        (&good.replace("fy = 500", "fy = inf"), "fy is inf"),
        (&good.replace("cx = 112", "cx = nan"), "cx is NaN"),
        (&good.replace("0.001", "0"), "depth_unit_m is 0"),
        (&format!("{good}k1 = 0.1\n"), "k1"),
        (&format!("{good}{}", "#".repeat(100_000)), "more than the 65536 bytes"),
    ] {
        desk.write("camera.toml", text);
        desk.refused_with(&format!("{inspect} --camera camera.toml"), &["camera.toml", words]);
    }
    desk.write("camera.toml", good);
    desk.refused_with(
        "inspect --engine @fitted --rgb rgb.png --xyz rgb.png --camera camera.toml",
        &["16 bits", "Rgb8"],
    );
}

#[test]
fn planes_that_cannot_be() {
    let desk = Desk::with(&part::frame(0, None));
    for (text, words) in [
        ("normal = [0.0, 0.0, 1.0]", "offset_m"),
        ("normal = [0.0, 0.0, 2.0]\noffset_m = 0.5", "unit length"),
        ("normal = [0.0, 0.0, nan]\noffset_m = 0.5", "no plane"),
        ("normal = [0.0, 1.0]\noffset_m = 0.5", "normal"),
        ("normal = [0.0, 0.0, 1.0]\noffset_m = inf", "no plane"),
    ] {
        desk.write("plane.toml", text);
        desk.write("scene.toml", "[scene]\nbelt = \"plane.toml\"");
        desk.refused_with(&format!("{INSPECT} --scene scene.toml"), &["plane.toml is not valid", words]);
    }
}

#[test]
fn another_scene_than_the_engine_s_is_refused_by_every_command() {
    let desk = Desk::with(&part::frame(0, None));
    let commands = [
        INSPECT.to_string(),
        INSPECT.replace("@fitted", "@calibrated"),
        "calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output new".into(),
        "evaluate --engine @fitted --dataset @good".into(),
        "bench --engine @fitted --frames 1".into(),
        "replay @good --engine @calibrated".into(),
    ];
    for (scene, difference) in [
        ("belt = \"none\"", "belt is fit in the engine and none in the scene"),
        ("part = \"all\"", "part is largest in the engine and all in the scene"),
        (
            "crop = { follow_mm = 80.0 }",
            "crop is the whole photograph in the engine and a window of 80 mm that follows",
        ),
        ("crop = { rectangle = [10, 10, 100, 100] }", "the rectangle [10, 10, 100, 100] in the scene"),
    ] {
        desk.write("scene.toml", format!("[scene]\n{scene}"));
        for command in &commands {
            desk.refused_with(&format!("{command} --scene scene.toml"), &["fitted in another scene", difference]);
        }
    }
    // The plane of the station in place of each frame's own is the same scene, and what else is in the file is not read.
    desk.write("plane.toml", "normal = [0.0, 0.0, 1.0]\noffset_m = -0.45");
    desk.write("scene.toml", "[engine]\npath = 3\n[scene]\nbelt = \"plane.toml\"\n");
    let run = desk.run(&format!("{} --scene scene.toml", commands[1]));
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
}

#[test]
fn scenes_that_cannot_be() {
    let desk = Desk::with(&part::frame(0, None));
    for (text, words) in [
        ("[engine]\npath = \"a\"", "has no [scene]"),
        ("[scene]\nparts = \"all\"", "unknown field `parts`"),
        ("[scene]\npart = \"biggest\"", "line 2: unknown variant `biggest`"),
        ("[scene.crop]\nrectangle = [0, 0, 10, 100]", "sides of 32 to 8192 pixels"),
        ("[scene.crop]\nrectangle = [0, 0, 100]", "line 2"),
        ("[scene.crop]\nrectangle = [-5, 0, 100, 100]", "line 2"),
        ("[scene.crop]\npolygon = [[0, 0], [100, 100]]", "2 corners where 3 to 256"),
        ("[scene.crop]\npolygon = [[0, 0], [100, 100], [200, 200]]", "an area of 0 pixels"),
        ("[scene.crop]\npolygon = [[0, 0], [100, 0], [0, nan]]", "NaN where pixels from 0 to 8192"),
        ("[scene.crop]\nrectangle = [0, 0, 100, 100]\npolygon = [[0, 0], [100, 0], [0, 100]]", "give one of them"),
        ("[scene.crop]\nfollow_mm = 0.0", "follow_mm is 0 where 5 to 2000 millimetres"),
        ("[scene]\npart = \"each\"", "without crop.follow_mm"),
        ("[scene]\npart = \"everything\"\n[scene.crop]\nfollow_mm = 50.0", "no part to follow"),
        ("[scene]\npart = \"everything\"\nbelt = \"fit\"", "set belt = \"none\""),
    ] {
        desk.write("scene.toml", text);
        desk.refused_with(&format!("{INSPECT} --scene scene.toml"), &["scene.toml", words]);
        desk.refused_with("import --variant tiny --seeded 1 --scene scene.toml --output new", &["scene.toml", words]);
    }
    // A window that no frame of this camera has.
    desk.write("scene.toml", "[scene.crop]\nrectangle = [200, 0, 100, 100]");
    desk.done("import --variant tiny --seeded 7 --scene scene.toml --output cropped.safetensors");
    let inspect = INSPECT.replace("@fitted", "cropped.safetensors");
    desk.refused_with(&inspect, &["reaches to column 300 and row 100", "224 x 224"]);
}

#[test]
fn options_that_do_not_go_together() {
    let desk = Desk::with(&part::frame(0, None));
    let checkpoint = "@golden/checkpoints/zip.pth";
    for (line, word) in [
        ("", "Usage"),
        ("polish", "polish"),
        ("import --variant tiny --output new", "--seeded"),
        ("import --variant tiny --seeded 1", "--output"),
        ("import --variant large --seeded 1 --output new", "large"),
        ("import --variant default --seeded 1 --output new", "default"),
        ("import --variant tiny --seeded 1 --group-size 64 --output new", "expected 32 or 128"),
        ("import --variant tiny --seeded 1 --precision f64 --output new", "f64"),
        ("import --variant tiny --seeded -1 --output new", "-1"),
        (&format!("import --variant tiny --rgb {checkpoint} --output new"), "--xyz"),
        (&format!("import --variant tiny --xyz {checkpoint} --output new"), "--rgb"),
        (&format!("import --variant tiny --seeded 1 --rgb {checkpoint} --output new"), "--seeded"),
        (&format!("import --variant tiny --seeded 1 --mapping-rgb-to-xyz {checkpoint} --output new"), "--mapping"),
        ("inspect --engine @fitted --rgb rgb.png", "--xyz"),
        ("inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --threshold nan", "finite"),
        ("inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --threshold high", "finite"),
        ("inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --cloud-unit inch", "one of m, cm, mm"),
        ("bench --engine @fitted --rgb rgb.png", "--xyz"),
        ("bench --engine @fitted --camera camera.toml", "--xyz"),
        ("bench --engine @fitted --line --scene scene.toml", "--scene"),
        ("bench --engine @fitted --frames many", "many"),
        ("fit --engine @default --nominal @good", "--output"),
        ("fit --engine @default --nominal @good --output new --shots 0", "--shots"),
        ("fit --engine @default --nominal @good --output new --epochs many", "many"),
        ("fit --engine @default --nominal @good --output new --copies 21", "21"),
        ("fit --engine @default --nominal @good --output new --turned often", "often"),
        ("calibrate --engine @fitted --nominal @held --output new --false-reject-rate 0", "between 0 and 1"),
        ("calibrate --engine @fitted --nominal @held --output new --false-reject-rate 1.5", "between 0 and 1"),
        ("calibrate --engine @fitted --nominal @held --output new --false-reject-rate nan", "between 0 and 1"),
        ("calibrate --engine @fitted --nominal @held --output new --false-reject-rate 0.4 --review-rate 0.3", "above"),
        ("evaluate --engine @fitted", "--dataset"),
        ("evaluate --engine @fitted --dataset @good --layout mine", "mine"),
    ] {
        desk.refused_with(line, &[word]);
    }
}

#[test]
fn folders_of_good_parts_that_are_none() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    let fit = |folder: &str| format!("fit --engine @default --nominal {folder} --epochs 1 --output new");
    let calibrate = |folder: &str| format!("calibrate --engine @fitted --nominal {folder} --output new");
    let both = |folder: &str, words: &[&str]| {
        desk.refused_with(&fit(folder), words);
        desk.refused_with(&calibrate(folder), words);
    };
    both("empty", &["empty: expected a folder with rgb and xyz inside", "an empty folder"]);
    desk.write("other/notes.txt", "");
    both("other", &["found notes.txt"]);
    for folder in ["bare/rgb", "bare/xyz"] {
        std::fs::create_dir_all(desk.path(folder)).unwrap();
    }
    both("bare", &["bare has no frames"]);
    std::fs::create_dir_all(desk.path("no_xyz/rgb")).unwrap();
    both("no_xyz", &["no_xyz/xyz"]);
    mvtec3d::write(&desk.path("one"), "007", &part::frame(0, None), None).unwrap();
    std::fs::copy(desk.path("one/rgb/007.png"), desk.path("one/rgb/008.png")).unwrap();
    both("one", &["008.png", "each colour image needs its xyz"]);
    std::fs::remove_file(desk.path("one/rgb/008.png")).unwrap();
    std::fs::copy(desk.path("one/xyz/007.tiff"), desk.path("one/xyz/009.tiff")).unwrap();
    both("one", &["009.tiff", "each cloud needs its rgb"]);
    std::fs::remove_file(desk.path("one/xyz/009.tiff")).unwrap();
    let none_left = ["1 left out, used in the fit", "0 good frames cannot support"];
    desk.refused_with(&calibrate("one"), &none_left);
    // A part that is new supports a rate of one half.
    mvtec3d::write(&desk.path("one"), "007", &part::frame(50, None), None).unwrap();
    desk.refused_with(&calibrate("one"), &["1 good frames cannot support", "at least 333", "0.5000"]);
    mvtec3d::write(&desk.path("flat"), "0", &with_no_part(), None).unwrap();
    desk.refused_with(&fit("flat"), &["no part was found", "none of the 1 frames had one"]);
}

/// A belt with nothing on it.
fn with_no_part() -> RgbdFrame {
    RgbdFrame::new(W, W, vec![0; P * 3], flat(0.5)).unwrap()
}

#[test]
fn made_up_scenes_that_cannot_be() {
    let desk = Desk::new();
    for (options, words) in [
        ("--frame 40x40", &["40 x 40 pixels", "64 to 4096"][..]),
        ("--frame large", &["width and height, such as 1280x720"]),
        ("--fixture", &["a fixture does not fit", "400 x 400", "a height of at least"]),
        ("--scatter 30", &["a scatter of 30 mm along the belt", "0 to"]),
        ("--frame 1280x720 --scatter 90", &["a scatter of 90 mm across the belt", "0 to"]),
        ("--scatter far", &["expected millimetres"]),
    ] {
        desk.refused_with(&format!("synthesize --part puck --out parts {options}"), words);
    }
    for (options, words) in [
        ("--part anvil", &["no such part", "puck", "bracket"][..]),
        ("--family shadows", &["reliefs", "solids"]),
        ("--family solids --part puck", &["puck is one of the reliefs, not of the solids"]),
        ("--family solids --frame 500x500", &["bracket is one of the solids, which have no --frame"]),
        ("--part puck,clip --scatter 2", &["clip is one of the solids, which have no --scatter"]),
        ("--part clip --fixture", &["which have no --fixture"]),
        ("--part clip --black-belt", &["which have no --black-belt"]),
    ] {
        desk.refused_with(&format!("synthesize --out parts {options}"), words);
    }
}
