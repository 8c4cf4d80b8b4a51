//! `account`: who may log in at a station.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crosscheck::people::{Accounts, Role};

use crate::program::{Desk, Run};

const PASSWORD: &str = "correct horse battery";

/// Runs a command that reads a password from its standard input.
fn told(desk: &Desk, line: &str, input: &str) -> Run {
    let mut command = desk.command(line);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that needs no password does not read it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap().into()
}

fn add(desk: &Desk, name: &str, role: &str) {
    let run = told(desk, &format!("account add accounts.toml {name} --role {role}"), &format!("{PASSWORD}\n"));
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains(&format!("accounts.toml: {name} is {role}")) && run.out.is_empty(), "{}", run.err);
}

#[test]
fn accounts_are_added_changed_listed_and_removed() {
    let desk = Desk::new();
    add(&desk, "anna", "engineer");
    add(&desk, "line-1.shift_2", "operator");
    let mode = std::fs::metadata(desk.path("accounts.toml")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = String::from_utf8(desk.read("accounts.toml")).unwrap();
    assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$") && !text.contains(PASSWORD), "{text}");
    let listed = desk.done("account list accounts.toml").out;
    let words: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [["anna", "engineer"], ["line-1.shift_2", "operator"]]);
    let role =
        |password| Accounts::read(&desk.path("accounts.toml")).unwrap().account("anna", password).map(|own| own.role);
    assert_eq!(role(PASSWORD), Some(Role::Engineer));
    // An editor of another system ends its lines otherwise.
    let other = told(&desk, "account password accounts.toml anna", "another horse\r\n");
    assert_eq!((other.code, role(PASSWORD), role("another horse")), (Some(0), None, Some(Role::Engineer)));
    desk.done("account remove accounts.toml anna");
    assert_eq!(desk.done("account list accounts.toml").out.lines().count(), 1);
}

#[test]
fn what_is_no_account_is_refused_and_nothing_written() {
    let desk = Desk::new();
    add(&desk, "anna", "viewer");
    for (line, words) in [
        ("account add accounts.toml ANNA --role viewer", "has an account ANNA already"),
        ("account add accounts.toml a/b --role viewer", "1 to 32 letters"),
        ("account password accounts.toml bert", "no account bert: it has anna"),
        ("account remove accounts.toml bert", "no account bert: it has anna"),
        ("account list nowhere.toml", "nowhere.toml"),
        ("account add accounts.toml bert", "--role"),
        ("account add accounts.toml bert --role boss", "boss"),
        // Nothing is on standard input.
        ("account add accounts.toml bert --role viewer", "a password is expected"),
    ] {
        desk.refused_with(line, &[words]);
    }
    let before = desk.files();
    for (input, words) in
        [("short\n", "5 characters where at least 10"), ("\n", "0 characters"), ("\u{e9}", "1 characters")]
    {
        let run = told(&desk, "account add accounts.toml bert --role viewer", input);
        assert!(run.code == Some(2) && run.err.contains(words), "{input:?}: {}", run.err);
    }
    assert!(desk.files() == before);
    std::fs::set_permissions(desk.path("accounts.toml"), PermissionsExt::from_mode(0o620)).unwrap();
    desk.refused_with("account list accounts.toml", &["accounts.toml can be written by others", "chmod go-w"]);
}

#[test]
fn a_configuration_names_its_accounts_and_where_their_deeds_are_recorded() {
    let desk = Desk::new();
    let config = |more: &str| {
        let text = "[engine]\npath = \"e\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"free\"\n[reject]\n\
                    delay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n";
        desk.write("station.toml", format!("{text}{more}"));
    };
    config("[view]\naccounts = \"accounts.toml\"\n");
    desk.refused_with("check-config station.toml", &["view.accounts is given without [audit]", "add [audit]"]);
    config("[view]\naccounts = \"accounts.toml\"\n[audit]\nfile = \"audit.sqlite\"\n");
    desk.refused_with("check-config station.toml", &["accounts.toml", "No such file"]);
    add(&desk, "anna", "viewer");
    let printed = desk.done("check-config station.toml");
    assert!(printed.out.contains("audit.sqlite") && !printed.err.contains("WARN"), "{}{}", printed.out, printed.err);
    std::fs::set_permissions(desk.path("accounts.toml"), PermissionsExt::from_mode(0o644)).unwrap();
    let warned = desk.done("check-config station.toml").err;
    assert!(warned.contains("view.accounts: every user of this machine may read"), "{warned}");
    let findings = desk.run("doctor --config station.toml --json").json();
    let of = |name: &str| {
        let found = findings["findings"].as_array().unwrap().iter().find(|found| found["name"] == name).unwrap();
        found["status"].as_str().unwrap().to_string()
    };
    assert_eq!((of("view.accounts"), of("audit")), ("warning".into(), "ok".into()));
    desk.write(
        "accounts.toml",
        "[[account]]\nname = \"anna\"\nrole = \"viewer\"\npassword = \"correct horse battery\"\n",
    );
    desk.refused_with("check-config station.toml", &["the password of anna is no hash", "crosscheck account password"]);
    config("[trace]\nfile = \"a.sqlite\"\n[audit]\nfile = \"a.sqlite\"\n");
    desk.refused_with("check-config station.toml", &["audit.file is trace.file"]);
}
