use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::check::Problems;

/// Largest offset of a GPIO line on its chip.
const OFFSET_MAX: u32 = 1023;
/// Longest name of a GPIO line or chip that the kernel keeps.
const NAME_BYTES_MAX: usize = 31;

/// Bits of a recipe's number: as many as a 16-bit word has.
const RECIPE_BITS_MAX: usize = 16;

/// `[gpio]`: GPIO lines of the character device. A GPIO line that is left out is not used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gpio {
    /// Chip of the GPIO lines that name none: a path (`/dev/gpiochip0`) or a label. If left out, GPIO lines are found
    /// by name on all chips.
    pub chip: Option<PathBuf>,
    /// Fires the ejector.
    pub reject: Option<Output>,
    /// Active while the station judges parts; inactive while the output is held at reject.
    pub ready: Option<Output>,
    /// Active while a fault needs a person.
    pub fault: Option<Output>,
    /// Changes its level periodically while the actuator runs, for a watchdog relay.
    pub heartbeat: Option<Output>,
    /// The photo-eye before the camera.
    pub trigger: Option<Input>,
    /// The encoder that follows the belt.
    pub encoder: Option<Input>,
    /// The photo-eye of the reject bin.
    pub confirm: Option<Input>,
    /// The push button that acknowledges the faults which wait for a person.
    pub acknowledge: Option<Input>,
    /// The bits of a recipe's number, the lowest first. The recipe is asked for once they have been the same for 200 ms; 0
    /// asks for none.
    pub recipe: Vec<Input>,
}

/// A GPIO line, by its name or by its offset on a chip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    pub line: Option<String>,
    pub offset: Option<u32>,
    pub chip: Option<PathBuf>,
    /// Whether a low level is the active one.
    pub active_low: bool,
    /// The level of the GPIO line on start, on exit and on a panic. If left out, `reject` gets the level that rejects,
    /// `fault` the active one, and the others the inactive one.
    pub safe_state: Option<Level>,
}

/// An input GPIO line, by its name or by its offset on a chip. Edges to the active level count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    pub line: Option<String>,
    pub offset: Option<u32>,
    pub chip: Option<PathBuf>,
    /// Whether a low level is the active one.
    pub active_low: bool,
    pub bias: Bias,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Active,
    Inactive,
}

/// The pull resistor of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    #[default]
    AsIs,
    PullUp,
    PullDown,
    Disabled,
}

impl Gpio {
    /// Outputs by their names.
    pub fn outputs(&self) -> [(&'static str, Option<&Output>); 4] {
        [
            ("reject", self.reject.as_ref()),
            ("ready", self.ready.as_ref()),
            ("fault", self.fault.as_ref()),
            ("heartbeat", self.heartbeat.as_ref()),
        ]
    }

    /// Inputs by their names.
    pub fn inputs(&self) -> [(&'static str, Option<&Input>); 4] {
        [
            ("trigger", self.trigger.as_ref()),
            ("encoder", self.encoder.as_ref()),
            ("confirm", self.confirm.as_ref()),
            ("acknowledge", self.acknowledge.as_ref()),
        ]
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let outputs = self.outputs().into_iter().filter_map(|(name, o)| o.map(|o| (name, &o.line, o.offset, &o.chip)));
        let inputs = self.inputs().into_iter().filter_map(|(name, i)| i.map(|i| (name, &i.line, i.offset, &i.chip)));
        let lines = outputs.chain(inputs).map(|(name, line, offset, chip)| (name.to_string(), line, offset, chip));
        let bits = self.recipe.iter().enumerate();
        let bits = bits.map(|(bit, i)| (format!("recipe[{bit}]"), &i.line, i.offset, &i.chip));
        let lines: Vec<_> = lines.chain(bits).collect();
        problems.range("gpio.recipe: the number of lines", self.recipe.len(), 0..=RECIPE_BITS_MAX);
        for (i, (name, line, offset, chip)) in lines.iter().enumerate() {
            match (line, offset) {
                (Some(line), None) => problems.text(&format!("gpio.{name}.line"), line, NAME_BYTES_MAX),
                (None, Some(offset)) => problems.range(&format!("gpio.{name}.offset"), *offset, 0..=OFFSET_MAX),
                _ => problems.say(format!("[gpio.{name}] needs either line, a name, or offset, a number")),
            }
            if offset.is_some() && chip.is_none() && self.chip.is_none() {
                problems.say(format!("gpio.{name}.offset needs a chip: give gpio.chip or gpio.{name}.chip"));
            }
            let same = |other: &&(String, &Option<String>, Option<u32>, &Option<PathBuf>)| {
                (other.1, other.2, other.3) == (*line, *offset, *chip)
            };
            if let Some((other, ..)) = lines[..i].iter().find(same) {
                problems.say(format!("gpio.{name} is the same GPIO line as gpio.{other}: each needs its own"));
            }
        }
    }
}
