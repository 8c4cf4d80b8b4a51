//! Inputs whose levels are read, as the bits of a number.

use gpiocdev::Request;
use gpiocdev::line::Value;

use super::super::error::RejectError;
use super::{Wanted, bias};
use crate::config::gpio::Gpio;

/// The GPIO lines of `gpio.recipe`, the lowest bit first.
pub struct GpioLevels(Vec<Request>);

const NAME: &str = "recipe";

impl GpioLevels {
    /// Takes the lines; none where none are configured.
    pub fn open(gpio: &Gpio) -> Result<Option<Self>, RejectError> {
        let take = |input| {
            Wanted::input(NAME, input, gpio).request(|builder| {
                builder.as_input().with_bias(bias(input));
            })
        };
        let lines = gpio.recipe.iter().map(take).collect::<Result<Vec<_>, _>>()?;
        Ok((!lines.is_empty()).then_some(Self(lines)))
    }

    /// The number that the lines show now.
    pub fn number(&self) -> Result<u16, RejectError> {
        self.0.iter().enumerate().try_fold(0, |number, (bit, line)| {
            let value = line.lone_value().map_err(|error| RejectError::Gpio {
                name: NAME,
                reason: format!("the line cannot be read: {error}"),
            })?;
            Ok(number | u16::from(value == Value::Active) << bit)
        })
    }
}
