//! docs/reference/cli.md, written from the commands' own definitions, so that it cannot state what the program has not.

use std::fmt::Write;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};

use super::{Cli, examples};

const REFERENCE: &str = "docs/reference/cli.md";

const BEGINNING: &str = "# Command line

This page is made from the program's own definitions, which `crosscheck COMMAND --help` shows too; a test compares the two. After a change there, write it again with

    CROSSCHECK_WRITE_REFERENCE=1 cargo test --bin crosscheck the_reference_is_what_the_program_has

Results are printed on standard output; progress, the log and errors on standard error. The examples of one command after the other make and use the files that they name.

";

/// The commands in the order of use, as `--help` lists them.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Try it", &["demo", "synthesize"]),
    ("Learn and judge a part", &["fit", "calibrate", "inspect", "evaluate"]),
    ("Set up a station", &["calibrate-camera", "calibrate-station", "record", "teach", "doctor", "check-config"]),
    ("Run a station", &["run", "recipe", "trace", "audit", "account", "replay", "review"]),
    ("Engine files", &["sign", "import", "export-onnx", "engine"]),
    ("Measure", &["bench", "selftest", "count"]),
    ("For packages", &["completions", "man"]),
];

/// The definition of the whole command line, in which each command has its whole name.
pub fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

fn reference() -> String {
    let program = program();
    let mut text = BEGINNING.to_string();
    text += "| for | commands |\n|---|---|\n";
    for (title, names) in GROUPS {
        let links: Vec<String> = names.iter().map(|name| format!("[{name}](#crosscheck-{name})")).collect();
        let _ = writeln!(text, "| {title} | {} |", links.join(", "));
    }
    text += "\n## For every command\n\n";
    text += &table("option", program.get_arguments().filter(|option| option.is_global_set()));
    text += "| `-h`, `--help` | | Print the options; `--help` has the examples too. |\n";
    text += "| `-V`, `--version` | | Print the version; without a command only. |\n\n";
    text += &sections(&program);
    for (title, names) in GROUPS {
        let _ = write!(text, "## {title}\n\n");
        for name in names {
            text += &of_command(program.find_subcommand(name).unwrap(), 3);
        }
    }
    text.trim_end().to_string() + "\n"
}

/// A command under a heading of `level`, and its own commands one level below.
fn of_command(command: &Command, level: usize) -> String {
    let name = command.get_bin_name().unwrap();
    let about = plain(command.get_long_about().or(command.get_about()));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut text = format!("{} {name}\n\n{}\n\n```text\n{usage}\n```\n\n", "#".repeat(level), sentence(&about));
    let own = |arg: &&Arg| !arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str());
    let (arguments, options): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().filter(own).partition(|arg| arg.is_positional());
    for (what, args) in [("argument", arguments), ("option", options)] {
        if !args.is_empty() {
            text += &(table(what, args.into_iter()) + "\n");
        }
    }
    text += &sections(command);
    for own in command.get_subcommands().filter(|own| own.get_name() != "help") {
        text += &of_command(own, level + 1);
    }
    text
}

fn table<'a>(what: &str, args: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = format!("| {what} | default | meaning |\n|---|---|---|\n");
    for arg in args {
        let help = plain(arg.get_long_help().or(arg.get_help()));
        // Where the default depends on something else, the help states it.
        let (help, stated) = match help.split_once("[default: ") {
            Some((help, default)) => (help.trim_end(), default.trim_end_matches(']')),
            None => (help.as_str(), ""),
        };
        let takes_values = arg.get_action().takes_values();
        let own = arg.get_default_values().iter().filter(|_| takes_values).map(|v| format!("`{}`", v.display()));
        let default = match own.collect::<Vec<String>>() {
            _ if arg.is_required_set() => "required".into(),
            own if own.is_empty() => stated.into(),
            own => own.join(", "),
        };
        let mut meaning = sentence(help);
        let values = arg.get_possible_values();
        if takes_values && !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
            let _ = write!(meaning, " Values: {}.", values.join(", "));
        }
        let _ = writeln!(text, "| {} | {} | {} |", spelling(arg), in_cell(&default), in_cell(&meaning));
    }
    text
}

/// `-o`, `--output ENGINE`.
fn spelling(arg: &Arg) -> String {
    let takes_values = arg.get_action().takes_values();
    let names: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let value = if takes_values { names.join(" ") } else { String::new() };
    let short = arg.get_short().map(|letter| format!("`-{letter}`"));
    let long = arg.get_long().map(|name| format!("`{}`", in_cell(format!("--{name} {value}").trim_end())));
    match [short, long].into_iter().flatten().collect::<Vec<_>>() {
        spellings if spellings.is_empty() => format!("`{}`", in_cell(&value)),
        spellings => spellings.join(", "),
    }
}

/// What `--help` shows after the options; in the examples a command's line stands under what it is for.
fn sections(command: &Command) -> String {
    let after = plain(command.get_after_long_help());
    let mut text = String::new();
    for (title, lines) in examples::sections(&after) {
        if title == "Examples" {
            let line = |line: &str| line.strip_prefix("    ").map_or(format!("# {}", line.trim()), String::from);
            let lines: Vec<String> = lines.lines().map(line).collect();
            let _ = write!(text, "```sh\n{}\n```\n\n", lines.join("\n"));
        } else {
            let _ = write!(text, "{title}:\n\n```text\n{lines}\n```\n\n");
        }
    }
    text
}

fn plain(text: Option<&StyledStr>) -> String {
    text.map(StyledStr::to_string).unwrap_or_default()
}

fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let ends = text.ends_with(['.', '!', '?', ']']) || text.is_empty();
    if ends { text.to_string() } else { format!("{text}.") }
}

/// A table's cell is one line, and a bar within it is no border.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_reference_is_what_the_program_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
    let expected = reference();
    if std::env::var_os("CROSSCHECK_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = found.lines();
    let missing = expected.lines().find(|line| lines.next() != Some(line)).unwrap_or("nothing more");
    assert!(found == expected, "{REFERENCE} is out of date and tells how to write it again; it lacks: {missing}");
}

#[test]
fn every_option_is_under_its_command() {
    fn check(command: &Command, seen: &mut usize) {
        let text = of_command(command, 3);
        let own = |arg: &&Arg| !arg.is_global_set() && arg.get_id() != "help";
        for arg in command.get_arguments().filter(own) {
            let name = arg.get_long().map_or(spelling(arg), |name| format!("--{name}"));
            assert!(text.contains(&format!("| {}", spelling(arg))) && text.contains(&name), "no {name} in {text}");
            *seen += 1;
        }
        command.get_subcommands().filter(|own| own.get_name() != "help").for_each(|own| check(own, seen));
    }
    let mut seen = 0;
    program().get_subcommands().filter(|own| own.get_name() != "help").for_each(|command| check(command, &mut seen));
    assert!(seen > 150, "{seen} options");
    let text = reference();
    for option in [
        "| `-q`, `--quiet` |",
        "| `--json` |",
        "| `--resume` |",
        "| `--epochs EPOCHS` | 250 |",
        "| `--seed SEED` | `0` |",
    ] {
        assert!(text.contains(option), "no {option}");
    }
}

#[test]
fn every_command_is_in_one_group() {
    let program = Cli::command();
    let commands: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
    let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    assert_eq!(grouped, commands, "the groups of the reference, and the order of `--help`");
}
