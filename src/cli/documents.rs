//! Whether the documents know the program: every command line in them, and every option that they name, is looked up in
//! the commands' definitions.

mod extract;

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::reference::program;
use extract::{Piece, pieces};

/// Options of other programs that documents name alone. A line of another program is not looked up.
const OTHERS: [(&str, &str); 5] = [
    ("--features", "of cargo, which builds the program"),
    ("--release", "of cargo, which builds the program"),
    ("--locked", "of cargo, which builds the program"),
    ("--test", "of cargo, which runs the tests"),
    ("--uninstall", "of systemd/install.sh"),
];

/// Whether a word of a line is an option, and its name: `--part` of `--part=puck`.
fn option(word: &str) -> Option<&str> {
    let name = word.split(['=', '[']).next().unwrap_or(word).trim_end_matches([',', ':', ';', '.', ')']);
    let rest = name.strip_prefix("--").or_else(|| name.strip_prefix('-').filter(|letter| letter.len() == 1))?;
    rest.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(name)
}

fn is_spelt(arg: &Arg, name: &str) -> bool {
    match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short() == name.chars().nth(1),
    }
}

/// What is wrong with a line whose words follow the program's name. A line in a text may lack what a whole one needs.
fn line_fault(words: &[&str], is_whole: bool) -> Option<String> {
    let program = program();
    let mut command = &program;
    for (at, word) in words.iter().enumerate() {
        if let Some(name) = option(word) {
            if !command.get_arguments().any(|arg| is_spelt(arg, name)) {
                return Some(format!("`{}` has no {name}", command.get_bin_name().unwrap_or("crosscheck")));
            }
        } else if let Some(own) = command.find_subcommand(word) {
            command = own;
        } else if at == 0 && word.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Some(format!("there is no command {word}"));
        }
    }
    if is_whole { parse_fault(words) } else { None }
}

/// What the program would answer to a whole line. A value in capitals stands for one that the reader has to choose.
fn parse_fault(words: &[&str]) -> Option<String> {
    let line = std::iter::once("crosscheck").chain(words.iter().copied());
    let error = program().try_get_matches_from(line).err()?;
    let is_placeholder = |value: &str| value.starts_with('$') || !value.chars().any(|c| c.is_ascii_lowercase());
    match (error.kind(), error.get(ContextKind::InvalidValue)) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => None,
        (ErrorKind::ValueValidation | ErrorKind::InvalidValue, Some(ContextValue::String(value)))
            if is_placeholder(value) =>
        {
            None
        }
        _ => Some(error.to_string().lines().next().unwrap_or_default().to_string()),
    }
}

/// What is wrong with the options that a text names alone, such as `--copies 0`.
fn options_fault(words: &[&str]) -> Option<String> {
    fn has(command: &Command, name: &str) -> bool {
        command.get_arguments().any(|arg| is_spelt(arg, name)) || command.get_subcommands().any(|own| has(own, name))
    }
    let program = program();
    let unknown = |name: &&str| !has(&program, name) && OTHERS.iter().all(|(other, _)| other != name);
    words.iter().filter_map(|word| option(word)).find(unknown).map(|name| format!("no command has {name}"))
}

/// Whether a line with this word stands for many lines, as `crosscheck fit [OPTIONS] --nominal <DIR>` does.
fn is_for_any(word: &str) -> bool {
    word == "..." || word.contains(['[', '<'])
}

/// What is wrong with a document, with the number of the line.
fn faults(text: &str) -> Vec<String> {
    let fault = |piece: &Piece| {
        let words: Vec<&str> = piece.text.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
        match words.first() {
            Some(&"crosscheck") => line_fault(&words[1..], piece.is_code && !words.iter().any(|word| is_for_any(word))),
            Some(first) if first.starts_with("--") => options_fault(&words),
            Some(first) if !piece.is_code && program().find_subcommand(first).is_some() => line_fault(&words, false),
            _ => None,
        }
    };
    pieces(text).iter().filter_map(|piece| Some(format!("{}: {}: {}", piece.line, piece.text, fault(piece)?))).collect()
}

fn markdown_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            markdown_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

// The changelog is left out: it names what earlier versions had.
#[test]
fn no_document_names_what_the_program_does_not_have() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)).into();
    for folder in ["docs", "ci", "cross", "engines", "systemd"] {
        markdown_under(&root.join(folder), &mut paths);
    }
    paths.retain(|path| path.exists());
    let mut looked_up = 0;
    let mut found = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(root).unwrap().display();
        looked_up += pieces(&text).iter().filter(|piece| piece.text.starts_with("crosscheck ")).count();
        found.extend(faults(&text).iter().map(|fault| format!("{name}:{fault}")));
    }
    assert!(found.is_empty(), "{} mistakes:\n{}", found.len(), found.join("\n"));
    // The reference alone has some forty lines.
    assert!(looked_up >= 40, "only {looked_up} lines were found in {} documents", paths.len());
}

#[test]
fn a_line_that_the_program_would_refuse_is_found() {
    for (text, fault) in [
        ("    crosscheck fitt --nominal a -o b\n", "1: crosscheck fitt --nominal a -o b: there is no command fitt"),
        ("```\n$ crosscheck fit --nominl a -o b\n```\n", "`crosscheck fit` has no --nominl"),
        (
            "```sh\nsudo -u me env A=b crosscheck engine build --fast x\n```\n",
            "`crosscheck engine build` has no --fast",
        ),
        ("    sudo -u crosscheck crosscheck docter\n", "1: crosscheck docter: there is no command docter"),
        ("    crosscheck fit \\\n        --nominal a -o b \\\n        -x   # why\n", "`crosscheck fit` has no -x"),
        ("    cd a && crosscheck fit --nominal a\n", "required arguments were not provided"),
        ("    crosscheck fit --nominal a -o b --turned sometimes\n", "invalid value 'sometimes'"),
        ("    crosscheck fit [OPTIONS] --nominl <DIR>\n", "`crosscheck fit` has no --nominl"),
        ("Use `crosscheck fit --speed`.\n", "`crosscheck fit` has no --speed"),
        ("Use `crosscheck\nfit --speed`.\n", "`crosscheck fit` has no --speed"),
        ("- Use `fit --copies 0 --turn never`.\n", "`crosscheck fit` has no --turn"),
        ("Use `--copies 0 --speed=3`.\n", "no command has --speed"),
        ("| `--speed` | 3 |\n", "no command has --speed"),
    ] {
        let found = faults(text);
        assert!(found.len() == 1 && found[0].contains(fault), "{text}: {found:?}");
    }
}

#[test]
fn what_the_program_has_is_no_fault() {
    for text in [
        "    crosscheck fit --nominal parts/train -o a.safetensors --seed N -q   # learn\n",
        "```console\n$ crosscheck doctor\ncrosscheck: cannot\n[INFO] crosscheck fit --made up\n```\n",
        "```\ncrosscheck sign keygen plant.key && crosscheck sign a --key plant.key > log 2>&1\n```\n",
        "    crosscheck run --config ...\n",
        "    crosscheck fit [OPTIONS] --nominal <DIR> --output <ENGINE>\n",
        "    sudo systemctl start crosscheck@NAME\n",
        "Then crosscheck fits `cargo test --bin crosscheck`, `--features cuda`, `--copies`, `--part=puck`, `fit`.\n",
        "- `crosscheck fit` and `inspect --json`, then `pip install --upgrade x`.\n\n      a list goes on: crosscheck finds\n",
        "`crosscheck COMMAND --help`, ``crosscheck --version``\n",
    ] {
        assert_eq!(faults(text), [""; 0], "{text}");
    }
}
