//! The desktop of the person who runs a command.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::say::print;

/// Opens a file with the program that the desktop has for it. Where there is none, says which file to open.
pub fn open(path: &Path) -> Result<()> {
    let path = std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let start = |program: &str| {
        let mut command = Command::new(program);
        // Not waited for: some desktops run the browser in this process.
        command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
    };
    if opener(is_set).is_some_and(start) {
        return Ok(());
    }
    print(format!("There is no desktop here that could show the report: open {} in a browser.", path.display()))
}

/// The program that opens files, if the environment names a screen.
fn opener(is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")).then_some("xdg-open")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn files_are_opened_where_there_is_a_screen() {
        for (screens, program) in [
            (vec!["DISPLAY"], Some("xdg-open")),
            (vec!["WAYLAND_DISPLAY"], Some("xdg-open")),
            (vec!["HOME"], None),
            (vec![], None),
        ] {
            assert_eq!(opener(|name| screens.contains(&name)), program, "{screens:?}");
        }
    }
}
