//! `trace`: what a station has written of its parts, as CSV.

use crosscheck::dataset::mvtec3d;
use rusqlite::Connection;

use crate::program::Desk;
use crate::support::part;
use crate::support::small_engine;

const PARTS: usize = 8;

/// A station that has run on as many frames as it has parts, under the recipe 0.
fn traced() -> Desk {
    let desk = Desk::new();
    small_engine::engine(1e6).write(&desk.path("engine.safetensors")).unwrap();
    for number in 0..PARTS {
        mvtec3d::write(&desk.path("frames"), &format!("{number:03}"), &part::frame(number as u64, None), None).unwrap();
    }
    desk.write(
        "station.toml",
        "[engine]\npath = \"engine.safetensors\"\n[camera]\nsource = \"replay\"\n\
         [camera.replay]\nfolder = \"frames\"\nframe_rate_hz = 4.0\n[trigger]\nsource = \"frame\"\n\
         [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
         [view]\nenabled = false\n[trace]\nfile = \"traced/trace.sqlite\"\n",
    );
    desk.done("run --config station.toml");
    desk
}

#[test]
fn a_station_leaves_a_row_for_each_part_which_the_program_prints() {
    let desk = traced();
    let all = desk.done("trace station.toml").out;
    let rows: Vec<&str> = all.lines().collect();
    assert_eq!(rows.len(), PARTS + 1, "{all}");
    let of = |row: &str, name: &str| {
        let column = rows[0].split(',').position(|column| column == name).unwrap();
        row.split(',').nth(column).unwrap().to_string()
    };
    for (part, row) in rows[1..].iter().enumerate() {
        assert_eq!((of(row, "run"), of(row, "part")), ("1".into(), part.to_string()), "{row}");
        assert_eq!((of(row, "state"), of(row, "station")), ("finished".into(), "station".into()), "{row}");
        let word = ["pass", ""].contains(&of(row, "verdict").as_str());
        assert!(word && !of(row, "outcome").is_empty() && of(row, "triggered_utc").ends_with('Z'), "{row}");
    }
    assert_eq!(desk.done("trace traced/trace.sqlite --lost").out, "run,first,last,parts,reason\n");
    let runs = desk.done("trace traced/trace.sqlite --runs").out;
    assert!(runs.ends_with(&format!(",clean,{PARTS}\n")), "{runs}");
    let name = of(rows[3], "identity");
    let one = desk.done(&format!("trace station.toml --identity {name} --from 2020-01-01T00:00:00Z")).out;
    assert_eq!(one, format!("{}\n{}\n", rows[0], rows[3]));
    let none = desk.done("trace station.toml --to 2020-01-01T00:00:00+01:00 --recipe 0").out;
    assert_eq!(none, format!("{}\n", rows[0]));
    desk.done("trace station.toml --verdict pass --out passed.csv");
    let passed = String::from_utf8(desk.read("passed.csv")).unwrap();
    assert_eq!(passed.lines().count() - 1, rows.iter().filter(|row| row.contains(",pass,")).count());
}

#[test]
fn what_is_no_trace_is_refused_by_name() {
    let desk = Desk::new();
    desk.write("parts.csv", "part;verdict\n".repeat(100));
    Connection::open(desk.path("other.sqlite")).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    desk.refused_with("trace nowhere.sqlite", &["there is no trace nowhere.sqlite"]);
    desk.refused_with("trace parts.csv --out copy.csv", &["parts.csv is no trace", "another kind of file"]);
    desk.refused_with("trace other.sqlite", &["other.sqlite is no trace", "another program's"]);
    desk.refused_with(
        "trace other.sqlite --from yesterday",
        &["expected a time with its zone", "2026-11-30T06:00:00Z"],
    );
    desk.refused_with("trace other.sqlite --lost --recipe 3", &["--lost", "--recipe"]);
    let config = "[engine]\npath = \"e\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"free\"\n\
                  [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n";
    desk.write("station.toml", config);
    desk.refused_with("trace station.toml", &["station.toml has no [trace]"]);
    desk.write("station.toml", format!("{config}[trace]\nfile = \"other.sqlite\"\ncommit_ms = 1\n"));
    desk.refused_with("check-config station.toml", &["trace.commit_ms is 1 where 10 to 10000 is expected"]);
}

#[test]
fn doctor_says_whether_the_trace_is_sound_and_can_be_written() {
    let desk = Desk::new();
    let config = "[engine]\npath = \"e\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"free\"\n\
                  [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n[view]\nenabled = false\n";
    let found = |trace: &str| {
        desk.write("station.toml", format!("{config}[trace]\n{trace}\n"));
        let findings = desk.run("doctor --config station.toml --json").json();
        let finding = findings["findings"].as_array().unwrap().iter().find(|found| found["name"] == "trace").unwrap();
        (finding["status"].as_str().unwrap().to_string(), finding["found"].as_str().unwrap().to_string())
    };
    assert_eq!(found("file = \"new/trace.sqlite\"\nparts_max = 1000").0, "ok");
    let (status, text) = found("file = \"new/trace.sqlite\"\nparts_max = 1000000000");
    assert!(status == "warning" && text.contains("trace.parts_max = 1000000000 takes about"), "{status}: {text}");
    desk.write("other.sqlite", "part;verdict\n".repeat(100));
    let (status, text) = found("file = \"other.sqlite\"");
    assert!(status == "error" && text.contains("is no trace"), "{status}: {text}");
}
