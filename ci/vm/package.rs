//! The package under a running station. It runs last: afterwards the program is gone.

use std::path::Path;
use std::process::Command;

use crate::chip::Line;
use crate::guest::Rig;

/// What apt printed. It fetches nothing, as the guest has no network.
fn apt(arguments: &[&str]) -> String {
    let mut command = Command::new("apt-get");
    let output = command.args(["-qq", "-y"]).args(arguments).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(output.status.success(), "{arguments:?}: {printed}");
    printed
}

/// The version that is installed.
fn version() -> String {
    let output = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "crosscheck"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn an_upgrade_leaves_a_station_alone_and_a_removal_stops_it() {
    let rig = Rig::start("station");
    let (process, before) = (rig.service.pid(), version());
    let printed = apt(&["install", "/share/newer.deb"]);
    assert_eq!(version(), format!("{before}+newer"));
    assert!(printed.contains("crosscheck@station.service"), "the running station is not named: {printed}");
    assert_eq!(rig.service.pid(), process, "the station was restarted");
    let parts = rig.judged_parts(2);
    rig.all_as_judged(&parts);

    apt(&["remove", "crosscheck"]);
    assert_eq!((rig.service.show("ActiveState"), rig.service.show("Result")), ("inactive".into(), "success".into()));
    assert_eq!(rig.belt.level(Line::Reject), Some(false), "the output is not at reject");
    assert!(!Path::new("/usr/bin/crosscheck").exists() && Path::new("/etc/crosscheck/station.toml").exists());

    let printed = apt(&["purge", "crosscheck"]);
    assert!(!Path::new("/etc/crosscheck").exists() && !Path::new("/var/lib/crosscheck/station").exists());
    // A disk that is mounted for recordings is not emptied.
    assert!(
        Path::new("/var/lib/crosscheck/full/recording").exists() && printed.contains("what is mounted in it was left"),
        "{printed}"
    );
}
