use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::builder::Resettable;
use clap::{Args, Command};
use clap_mangen::Man;
use crosscheck::files;

use super::say::print;
use super::{Exit, examples};

/// Write the manual pages, one for each command; for packages.
#[derive(Args)]
#[command(after_long_help = examples::MAN)]
pub struct Arguments {
    /// Folder for the pages; if left out, the program's own page is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// `program` is the definition of the whole command line.
pub fn run(arguments: &Arguments, program: Command) -> Result<Exit> {
    let mut program = program.disable_help_subcommand(true);
    // Gives each command its whole name, such as "crosscheck sign keygen".
    program.build();
    match &arguments.folder {
        Some(folder) => {
            files::make_folder(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            write(folder, "crosscheck", &program)?;
        }
        None => print(page("crosscheck", &program)?)?,
    }
    Ok(Exit::Done)
}

/// Writes the page of a command, and of each of its own commands.
fn write(folder: &Path, name: &str, command: &Command) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    files::write_text(&path, &page(name, command)?).with_context(|| format!("cannot write {}", path.display()))?;
    command.get_subcommands().try_for_each(|own| write(folder, &format!("{name}-{}", own.get_name()), own))
}

fn page(name: &str, command: &Command) -> Result<String> {
    let mut text = Vec::new();
    let version = format!("crosscheck {}", env!("CARGO_PKG_VERSION"));
    // What follows the options in `--help` is not left to the crate, which would run its lines together.
    let plain = command.clone().after_help(Resettable::Reset).after_long_help(Resettable::Reset);
    // A blank date: that of the build would make each build another one.
    let man = Man::new(plain).title(name).date(" ").source(version).manual("crosscheck");
    man.render(&mut text).context("cannot write the page")?;
    let after = command.get_after_long_help().map(|after| sections(&after.to_string())).unwrap_or_default();
    Ok(String::from_utf8(text).context("the page is not UTF-8")? + &after)
}

/// Sections with lines as they are.
fn sections(text: &str) -> String {
    let mut written = String::new();
    for (title, lines) in examples::sections(text) {
        written += &format!(".SH {}\n.nf\n", title.to_uppercase());
        for line in lines.lines() {
            // A line that began with a dot would be a request.
            written += &format!("\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-"));
        }
        written += ".fi\n";
    }
    written
}
