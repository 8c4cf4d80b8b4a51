//! User and password.

use std::process::Command;

use crosscheck::mqtt::Publisher;

use super::broker::Broker;
use super::{event, log, mqtt, next, running, ways};

const PASSWORD: &str = "mortadella";

fn users(folder: &std::path::Path, password: &str) {
    let mut command = Command::new("mosquitto_passwd");
    command.args(["-c", "-b", "users", "line-1", password]).current_dir(folder);
    assert!(command.status().expect("mosquitto_passwd").success());
}

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn a_wrong_password_is_said_once_and_the_right_one_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    users(folder.path(), "another one");
    for (name, content) in [("user", "line-1\n"), ("password", &format!("{PASSWORD}\nmore"))] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let mut broker = Broker::with(folder, &["allow_anonymous false\npassword_file DIR/users"]);
    let files = "username_file = \"DIR/user\"\npassword_file = \"DIR/password\"";
    let keys = format!("port = {}\nclient_id = \"line-1\"\n{files}", broker.port_of(0));
    let config = mqtt(&keys.replace("DIR", broker.folder().to_str().unwrap()));
    let publisher = Publisher::start(&config, "line-1", running(), ways().0).unwrap();
    publisher.verdict(event(1));
    let here = format!(":{}", config.port());
    log::wait_for(&[&here, "it refuses the login: user or password is wrong there"]);
    broker.stop();
    // The same break, but another reason.
    log::wait_for(&[&here, "it cannot be reached"]);
    users(broker.folder(), PASSWORD);
    broker.start_again();
    next(&mut broker, "plant/line-1/verdict", |message| message["part"] == 1);
    assert_eq!(log::lines_with(&here).iter().filter(|line| line.contains("is not connected")).count(), 2);
    assert_eq!(log::lines_with(PASSWORD), [""; 0]);
    assert!(!format!("{config:?}").contains(PASSWORD));
}
