//! `audit`: what a running station has recorded of those who asked something of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use crosscheck::dataset::mvtec3d;
use crosscheck::files::hex;
use crosscheck::people::{Accounts, Role};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};

use crate::program::{Desk, Run};
use crate::station::wait_for;
use crate::support::client::Client;
use crate::support::part;
use crate::support::small_engine;

const TOKEN: &str = "0123456789abcdef";

/// A station that runs until it is stopped.
struct Station {
    desk: Desk,
    view: SocketAddr,
    plc: SocketAddr,
}

/// An address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Station {
    fn new() -> Self {
        let desk = Desk::new();
        small_engine::engine(1e6).write(&desk.path("engine.safetensors")).unwrap();
        for number in 0..3 {
            mvtec3d::write(&desk.path("frames"), &format!("{number:03}"), &part::frame(number, None), None).unwrap();
        }
        let mut accounts = Accounts::read_or_begin(&desk.path("accounts.toml")).unwrap();
        accounts.add("anna", Role::Engineer, "correct horse").unwrap();
        accounts.write().unwrap();
        let station = Self { desk, view: free(), plc: free() };
        station.configure("threshold = 2e5");
        station
    }

    fn configure(&self, engine: &str) -> String {
        let text = format!(
            "[engine]\npath = \"engine.safetensors\"\n{engine}\n[camera]\nsource = \"replay\"\n\
             [camera.replay]\nfolder = \"frames\"\nframe_rate_hz = 2.0\nrepeat = true\n[trigger]\nsource = \"frame\"\n\
             [reject]\ndelay_ms = 4000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
             [view]\nbind = \"{}\"\ntoken = \"{TOKEN}\"\naccounts = \"accounts.toml\"\n[plc]\nbind = \"{}\"\nwrites = true\n\
             [audit]\nfile = \"state/audit.sqlite\"\n",
            self.view, self.plc
        );
        self.desk.write("station.toml", &text);
        hex(&Sha256::digest(text))
    }

    fn start(&self) -> Child {
        let before = self.count("start");
        let mut command = self.desk.command("run --config station.toml");
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for(|| self.count("start") > before);
        child
    }

    fn post(&self, path: &str, body: &str) -> u16 {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n");
        Client::new(self.view).send(&format!("{head}Content-Length: {length}\r\n\r\n{body}")).status
    }

    /// Sets the coil that acknowledges, by Modbus TCP.
    fn acknowledge(&self) {
        let mut stream = TcpStream::connect(self.plc).unwrap();
        let request = [0, 1, 0, 0, 0, 6, 1, 5, 0, 0, 0xff, 0];
        stream.write_all(&request).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, request);
    }

    fn signal(&self, child: &Child, signal: Signal) {
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Entries with the columns who, from_address, way, what, before, after and outcome.
    fn entries(&self) -> Vec<[String; 7]> {
        let csv = self.desk.done("audit station.toml").out;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(reader.headers().unwrap().iter().next(), Some("entry"));
        let row = |row: csv::StringRecord| [2, 4, 5, 6, 7, 8, 9].map(|column| row[column].to_string());
        reader.records().map(|found| row(found.unwrap())).collect()
    }

    /// How many entries are about this.
    fn count(&self, what: &str) -> usize {
        if !self.desk.path("state/audit.sqlite").exists() {
            return 0;
        }
        // Before its table is there, the file is none.
        self.desk.run("audit station.toml").out.matches(&format!(",{what},")).count()
    }
}

#[test]
fn whoever_asks_something_of_a_station_leaves_an_entry() {
    let station = Station::new();
    let first = station.configure("threshold = 2e5");
    let child = station.start();
    assert_eq!(station.post("/hold", "on"), 200);
    station.acknowledge();
    wait_for(|| station.count("acknowledge") == 1);
    let second = station.configure("threshold = 1e5");
    station.signal(&child, Signal::HUP);
    wait_for(|| station.count("reload") == 1);
    // Nothing was done, and nobody has confirmed anything.
    assert_eq!(station.post("/threshold", "150000"), 409);
    assert_eq!(station.post("/threshold", "150000 loosen"), 200);
    assert_eq!(station.post("/threshold", "1e30"), 422);
    // The accounts are read again, and refused as they are now.
    std::fs::set_permissions(station.desk.path("accounts.toml"), PermissionsExt::from_mode(0o606)).unwrap();
    station.signal(&child, Signal::HUP);
    wait_for(|| station.count("reload") == 2);
    let counted = || String::from_utf8(Client::new(station.view).get("/metrics").body).unwrap();
    wait_for(|| counted().contains("crosscheck_audit_entries_total{result=\"written\"} 8\n"));
    assert!(counted().contains("crosscheck_audit_entries_total{result=\"lost\"} 0\n"));
    // It is verified while the station writes it.
    let verified = station.desk.done("audit station.toml --verify").out;
    let noted = verified.trim_end().rsplit(' ').next().unwrap().to_string();
    assert!(verified.contains("8 entries fit") && noted.len() == 64, "{verified}");
    station.signal(&child, Signal::TERM);
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(0), "{}", run.err);
    let entries = station.entries();
    let short: Vec<[&str; 4]> = entries.iter().map(|e| [&*e[0], &*e[1], &*e[2], &*e[3]]).collect();
    let local = "127.0.0.1";
    assert_eq!(
        short,
        [
            ["station", "", "station", "start"],
            ["token", local, "page", "hold"],
            ["plc", local, "plc", "acknowledge"],
            ["signal", "", "signal", "reload"],
            ["signal", "", "signal", "threshold"],
            ["token", local, "page", "threshold"],
            ["token", local, "page", "threshold"],
            ["signal", "", "signal", "reload"],
            ["signal", "", "signal", "stop"],
        ]
    );
    let told: Vec<[&str; 3]> = entries.iter().map(|e| [&*e[4], &*e[5], &*e[6]]).collect();
    assert!(
        told[0][0].is_empty() && told[0][1].contains(&first) && told[0][1].contains("threshold 200000"),
        "{told:?}"
    );
    assert_eq!(told[1], ["off", "on", "done"]);
    assert_eq!((told[2][1], told[2][2]), ("", "done"));
    assert_eq!(told[3], [&*first, &*second, "done"]);
    assert_eq!((told[4], told[5]), (["200000", "100000", "done"], ["100000", "150000", "done"]));
    assert!(told[6][0] == "150000" && told[6][2].starts_with("refused: the threshold"), "{:?}", told[6]);
    assert!(told[7][..2] == [&*second, ""] && told[7][2].contains("can be written by others"), "{:?}", told[7]);
    assert_eq!(told[8], ["", "", "done"]);
    let by_token = station.desk.done("audit state/audit.sqlite --who token --what threshold").out;
    assert_eq!(by_token.lines().count(), 3);
    let expected = station.desk.done(&format!("audit station.toml --verify --expect {noted}")).out;
    assert!(expected.contains("9 entries fit") && expected.contains("is that of entry 8"), "{expected}");
}

#[test]
fn an_audit_outlives_a_kill_and_a_change_of_it_is_named() {
    let station = Station::new();
    for round in 1..=3 {
        let mut child = station.start();
        let before = station.count("hold");
        assert_eq!(station.post("/hold", "on"), 200);
        wait_for(|| station.count("hold") > before);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..50)));
        assert_eq!(station.post("/hold", "off"), 200);
        child.kill().unwrap();
        child.wait().unwrap();
        let verified = station.desk.done("audit station.toml --verify").out;
        let entries: usize = verified.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!((2 * round..=3 * round).contains(&entries), "round {round}: {verified}");
    }
    let verified = station.desk.done("audit station.toml --verify").out;
    let noted = verified.trim_end().rsplit(' ').next().unwrap();
    let path = station.desk.path("state/audit.sqlite");
    let change = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let drop_triggers =
        "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened; DROP TRIGGER audit_is_not_replaced;";
    change(drop_triggers);
    change("DELETE FROM audit WHERE entry = (SELECT MAX(entry) FROM audit)");
    let cut = station.desk.run(&format!("audit station.toml --verify --expect {noted}"));
    assert!(cut.code == Some(1) && cut.out.contains("no entry has the expected hash"), "{}{}", cut.out, cut.err);
    assert_eq!(station.desk.run("audit station.toml --verify").code, Some(0), "only the noted hash tells");
    change("UPDATE audit SET who = 'anna' WHERE entry = 2");
    let run = station.desk.run("audit station.toml --verify");
    assert!(run.code == Some(1) && run.out.contains("entry 2 does not fit"), "{}{}", run.out, run.err);
    let findings = station.desk.run("doctor --config station.toml --json").json();
    let found = findings["findings"].as_array().unwrap().iter().find(|found| found["name"] == "audit").unwrap();
    assert!(found["status"] == "warning" && found["found"].as_str().unwrap().contains("entry 2"), "{found}");
}

#[test]
fn what_is_no_audit_is_refused_by_name() {
    let desk = Desk::new();
    desk.write("parts.csv", "who;what\n".repeat(100));
    desk.refused_with("audit nowhere.sqlite", &["there is no audit nowhere.sqlite"]);
    desk.refused_with("audit parts.csv --verify", &["parts.csv is no audit", "another kind of file"]);
    desk.refused_with("audit parts.csv --verify --expect abc", &["64 hexadecimal digits"]);
    desk.refused_with(&format!("audit parts.csv --expect {}", "0".repeat(64)), &["--verify"]);
    desk.refused_with("audit parts.csv --what nothing", &["nothing", "threshold"]);
    let config = "[engine]\npath = \"e\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"free\"\n\
                  [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n";
    desk.write("station.toml", config);
    desk.refused_with("audit station.toml", &["station.toml has no [audit]"]);
}
