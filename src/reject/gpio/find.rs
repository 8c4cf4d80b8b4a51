//! Finds the GPIO line that the configuration names.

use std::path::{Path, PathBuf};

use gpiocdev::Chip;
use gpiocdev::line::Info;

const LIST: &str = "`gpioinfo` lists what there is";

/// The path of the chip, and the kernel's description of the GPIO line, which is found by its name on `chip` or on all
/// chips, or by its offset on `chip`. `chip` is a path or a label. A name or a label that several have is an error.
pub fn find(chip: Option<&Path>, line: Option<&str>, offset: Option<u32>) -> Result<(PathBuf, Info), String> {
    let Some(name) = line else { return at(chip, offset.unwrap_or_default()) };
    let chips = match chip {
        Some(chip) => vec![open_chip(chip)?],
        None => opened()?,
    };
    let lines_of = |chip: &Chip| -> Vec<(PathBuf, Info)> {
        let lines = chip.line_info_iter().into_iter().flatten().filter_map(|info| info.ok());
        lines.filter(|info| info.name == name).map(|info| (chip.path().into(), info)).collect()
    };
    let named = chips.iter().flat_map(lines_of).collect();
    only(named, |(chip, info)| format!("line {} of {}", info.offset, chip.display())).map_err(|several| match several {
        Some(several) => format!(
            "several lines are named {name:?}: {several}: give the `chip` and `offset` of the one that is wired"
        ),
        None => match (chip, &chips[..]) {
            (Some(_), [chip]) => format!("{}: it has no line named {name:?}: {LIST}", chip.path().display()),
            _ => format!("no chip that may be opened has a line named {name:?}: {LIST}"),
        },
    })
}

fn at(chip: Option<&Path>, offset: u32) -> Result<(PathBuf, Info), String> {
    let chip = open_chip(chip.ok_or("an offset needs its chip: give `chip`")?)?;
    let info = chip.line_info(offset);
    let info = info.map_err(|error| format!("{}: it has no line {offset}: {error}: {LIST}", chip.path().display()));
    Ok((chip.path().into(), info?))
}

fn open_chip(chip: &Path) -> Result<Chip, String> {
    if chip.is_absolute() {
        return Chip::from_path(chip).map_err(|error| {
            format!("cannot open {}: {error}: is it there, and is the user in the group gpio?", chip.display())
        });
    }
    let label = chip.to_string_lossy();
    let is_meant = |chip: &Chip| chip.info().is_ok_and(|info| info.label == label || info.name == label);
    let chips = opened()?.into_iter().filter(is_meant).collect();
    only(chips, |chip| chip.path().display().to_string()).map_err(|several| match several {
        Some(several) => {
            format!("several GPIO chips are labelled {label:?}: {several}: give the path of the one meant")
        }
        None => format!("no GPIO chip that may be opened is labelled {label:?}"),
    })
}

/// Every chip that may be opened.
fn opened() -> Result<Vec<Chip>, String> {
    let paths = gpiocdev::chip::chips().map_err(|error| format!("cannot list GPIO chips: {error}"))?;
    Ok(paths.iter().filter_map(|path| Chip::from_path(path).ok()).collect())
}

/// The only one of `found`; otherwise the list of them, or nothing where there is none.
fn only<T>(mut found: Vec<T>, name: impl Fn(&T) -> String) -> Result<T, Option<String>> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(None),
        (Some(last), false) => {
            let names: Vec<String> = found.iter().chain([&last]).map(name).collect();
            Err(Some(names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_none_is_chosen_and_all_are_named() {
        let of =
            |lines: &[(&'static str, u32)]| only(lines.to_vec(), |(chip, offset)| format!("line {offset} of {chip}"));
        assert_eq!(of(&[("/dev/gpiochip0", 3)]), Ok(("/dev/gpiochip0", 3)));
        assert_eq!(of(&[]), Err(None));
        let several = of(&[("/dev/gpiochip0", 3), ("/dev/gpiochip1", 3), ("/dev/gpiochip1", 7)]);
        let named = "line 3 of /dev/gpiochip0, line 3 of /dev/gpiochip1, line 7 of /dev/gpiochip1";
        assert_eq!(several, Err(Some(named.into())));
    }
}
