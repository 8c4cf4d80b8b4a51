//! Help in two levels, completions, manual pages, silence, and what a terminal is shown.

use std::fs;
use std::process::Command;

use crate::program::Desk;
use crate::support::part;

/// The commands that `crosscheck --help` lists.
fn commands(desk: &Desk) -> Vec<String> {
    let help = desk.done("--help").out;
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let (list, _) = rest.split_once("\n\n").unwrap();
    let name = |line: &str| line.split_whitespace().next().unwrap().to_string();
    list.lines().map(name).filter(|name| name != "help").collect()
}

/// Whether a program is there, which not every machine has.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn long_help_has_examples_and_short_help_has_none() {
    let desk = Desk::new();
    let commands = commands(&desk);
    assert!(commands.len() >= 20, "{commands:?}");
    for command in &commands {
        let [short, long] = ["-h", "--help"].map(|option| desk.done(&format!("{command} {option}")).out);
        assert!(!short.contains("Examples:") && long.contains("Examples:"), "{command}: {long}");
        let line = format!("\n    crosscheck {command}");
        assert!(long.contains(&line), "{command} has no line of its own: {long}");
    }
    let [short, long] = ["-h", "--help"].map(|option| desk.done(option).out);
    assert!(!short.contains("Exit codes:"), "{short}");
    for line in ["Exit codes:\n  0 ", "\n  1 ", "\n  2 ", "\n  130 ", "\n  141 "] {
        assert!(long.contains(line), "no {line:?} in {long}");
    }
}

#[test]
fn shells_accept_the_completions() {
    let desk = Desk::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = desk.done(&format!("completions {shell}")).out;
        assert!(script.contains("calibrate-station") && script.contains("nominal"), "{shell}: {script}");
        desk.write(shell, &script);
        if is_there(shell) {
            let checked = Command::new(shell).arg(check).arg(desk.path(shell)).output().unwrap();
            assert!(checked.status.success() && checked.stderr.is_empty(), "{shell}: {checked:?}");
        }
    }
    desk.refused_with("completions tcsh", &["bash, zsh, fish"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let desk = Desk::new();
    desk.done("man pages/man1");
    let nested = [
        "account-add",
        "account-list",
        "account-password",
        "account-remove",
        "engine-build",
        "review-candidate",
        "review-list",
        "review-say",
        "review-summary",
        "review-what-if",
        "sign-keygen",
        "sign-verify",
    ]
    .map(String::from);
    for command in commands(&desk).iter().chain(&nested).map(|name| format!("-{name}")).chain(["".into()]) {
        let path = desk.path(&format!("pages/man1/crosscheck{command}.1"));
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.contains(&format!(".TH crosscheck{command} 1 ")) && page.contains(".SH OPTIONS"), "{page}");
        assert!(!page.contains(".SH EXTRA") && !page.contains("crosscheck\\-help"), "{page}");
        // The lines of the examples are not run together.
        assert!(page.contains(".SH EXAMPLES\n.nf\n\\&  ") || nested.iter().any(|own| command.ends_with(own)), "{page}");
        if is_there("groff") {
            let shown = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path).output().unwrap();
            let said = String::from_utf8(shown.stderr).unwrap();
            assert!(shown.status.success() && said.is_empty(), "{command}: {said}");
        }
    }
    let pages = fs::read_dir(desk.path("pages/man1")).unwrap().count();
    assert_eq!(pages, commands(&desk).len() + nested.len() + 1);
    let own = fs::read_to_string(desk.path("pages/man1/crosscheck.1")).unwrap();
    assert_eq!(desk.done("man").out, own);
}

#[test]
fn quiet_leaves_errors_alone() {
    let desk = Desk::with(&part::frame(0, None));
    let calibrate = "calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output out";
    let said = desk.done(calibrate).err;
    assert!(said.contains("[INFO"), "{said}");
    for line in [format!("{calibrate} --quiet"), format!("-q {calibrate}")] {
        assert_eq!(desk.done(&line).err, "", "{line}");
    }
    // What is asked for on the command line prevails over what the environment asks for.
    let run = desk.command(&format!("{calibrate} --quiet")).env("RUST_LOG", "debug").output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    // The result is no information but what the command is for.
    let run = desk.done("inspect --quiet --engine @fitted --rgb rgb.png --xyz xyz.tiff");
    assert!(run.out.contains("score") && run.err.is_empty(), "{}{}", run.out, run.err);
    let error = desk.refused("inspect --quiet --engine none --rgb rgb.png --xyz xyz.tiff");
    assert!(error.starts_with("crosscheck: ") && error.lines().count() == 1, "{error}");
}

/// Runs `line` with a terminal as its error output; gives what is shown there.
#[cfg(target_os = "linux")]
fn shown(desk: &Desk, line: &str, environment: &[(&str, &str)]) -> String {
    use std::io::Read;
    use std::os::fd::{FromRawFd, OwnedFd};
    use std::process::Stdio;
    use std::ptr::{null, null_mut};

    let (mut here, mut there) = (0, 0);
    // SAFETY: both numbers outlive the call; no name, settings or size are asked for or given.
    let made = unsafe { libc::openpty(&mut here, &mut there, null_mut(), null(), null()) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were just opened, and nothing else owns them.
    let (mut here, there) = unsafe { (fs::File::from_raw_fd(here), OwnedFd::from_raw_fd(there)) };
    let mut command = desk.command(line);
    command.stdout(Stdio::null()).stderr(there).env("TERM", "xterm").env_remove("NO_COLOR");
    let mut child = command.envs(environment.iter().copied()).spawn().unwrap();
    // It has the terminal open, whose end would not be seen otherwise.
    drop(command);
    let mut said = Vec::new();
    // The end of a terminal is an error: nobody has its other side any more.
    let _ = here.read_to_end(&mut said);
    assert!(child.wait().unwrap().success(), "{line}");
    String::from_utf8(said).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn only_a_terminal_is_shown_progress_and_colours() {
    let has_colours = |said: &str| {
        let codes = said.split("\x1b[").skip(1).filter_map(|code| code.chars().find(|c| c.is_ascii_alphabetic()));
        codes.into_iter().any(|end| end == 'm')
    };
    let desk = Desk::new();
    let line = "calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output out";
    let on_terminal = shown(&desk, line, &[]);
    assert!(on_terminal.contains("/4, ") && has_colours(&on_terminal), "{on_terminal:?}");
    let without = shown(&desk, line, &[("NO_COLOR", "1")]);
    assert!(without.contains("/4, ") && !has_colours(&without), "{without:?}");
    assert_eq!(shown(&desk, &format!("{line} --quiet"), &[]), "");
    let piped = desk.done(line).err;
    assert!(piped.contains("[INFO") && !piped.contains(['\x1b', '\r']) && !piped.contains("/4, "), "{piped:?}");
}
