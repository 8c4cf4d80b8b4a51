//! The numbers of a file, as coordinates or as depth steps.

/// The numbers of a file, row by row.
pub enum Values {
    /// No piece of it was read yet.
    None,
    Floats(Vec<f32>),
    /// Steps of a camera's depth unit, 0 = no point.
    Steps(Vec<u16>),
}

impl Values {
    /// Room for `count` floats, made when the first are there.
    pub fn floats(&mut self, count: usize) -> &mut [f32] {
        if !matches!(self, Self::Floats(_)) {
            *self = Self::Floats(vec![0.0; count]);
        }
        match self {
            Self::Floats(values) => values,
            _ => &mut [],
        }
    }

    /// Room for `count` steps, made when the first are there.
    pub fn steps(&mut self, count: usize) -> &mut [u16] {
        if !matches!(self, Self::Steps(_)) {
            *self = Self::Steps(vec![0; count]);
        }
        match self {
            Self::Steps(values) => values,
            _ => &mut [],
        }
    }
}

/// How integers become depth steps.
#[derive(Clone, Copy)]
pub struct Narrow {
    /// The value that stands for no point, besides 0 and what is below.
    pub no_point: Option<f32>,
}

impl Narrow {
    pub fn step(self, value: i128) -> Result<u16, String> {
        if value <= 0 || self.no_point == Some(value as f32) {
            return Ok(0);
        }
        value.try_into().map_err(|_| format!("a depth of {value} steps where at most {} are expected", u16::MAX))
    }
}
