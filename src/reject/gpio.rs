//! Outputs and inputs on lines of the GPIO character device.
//!
//! The kernel gives a line back when the program ends, however it ends; most drivers then leave an output as it was or
//! make it an input. A resistor has to pull the reject output's line to the level that rejects.

mod find;
mod levels;

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use gpiocdev::Request;
use gpiocdev::line::{Bias, EdgeDetection, EventClock, Value};

use super::edges::{Edge, EdgeKind, Edges, INPUTS_MAX};
use super::error::RejectError;
use super::part::Outputs;
use super::sink::Sink;
use crate::config::gpio::{Bias as WantedBias, Gpio, Input, Level, Output};
use crate::config::reject::Polarity;
pub use find::find;
pub use levels::GpioLevels;

/// Name under which the kernel lists the GPIO lines as taken.
const CONSUMER: &str = "crosscheck";
/// Edges of one line that the kernel keeps, as many as it allows.
const KERNEL_EDGES: u32 = 1024;
/// Edges that are read at once, and the size of one.
const EDGES_READ: usize = 16;
const EDGE_WORDS: usize = 6;

/// What an output and an input of the configuration have in common.
struct Wanted<'a> {
    name: &'static str,
    line: Option<&'a str>,
    offset: Option<u32>,
    chip: Option<&'a Path>,
    active_low: bool,
}

impl<'a> Wanted<'a> {
    fn output(name: &'static str, output: &'a Output, gpio: &'a Gpio) -> Self {
        let chip = output.chip.as_deref().or(gpio.chip.as_deref());
        Self { name, line: output.line.as_deref(), offset: output.offset, chip, active_low: output.active_low }
    }

    fn input(name: &'static str, input: &'a Input, gpio: &'a Gpio) -> Self {
        let chip = input.chip.as_deref().or(gpio.chip.as_deref());
        Self { name, line: input.line.as_deref(), offset: input.offset, chip, active_low: input.active_low }
    }

    fn request(&self, role: impl FnOnce(&mut gpiocdev::request::Builder)) -> Result<Request, RejectError> {
        let refused = |reason| RejectError::Gpio { name: self.name, reason };
        let (chip, info) = find(self.chip, self.line, self.offset).map_err(refused)?;
        let mut builder = Request::builder();
        builder.on_chip(&chip).with_consumer(CONSUMER).with_line(info.offset);
        role(&mut builder);
        if self.active_low {
            builder.as_active_low();
        }
        builder.request().map_err(|error| {
            let holder =
                if info.used { format!(", which {:?} has: stop it first", info.consumer) } else { String::new() };
            refused(format!("cannot take line {} of {}{holder}: {error}", info.offset, chip.display()))
        })
    }
}

/// The GPIO line of one output.
struct Driven {
    name: &'static str,
    request: Request,
    safe: Value,
    /// Its present value, if that is known.
    at: Option<Value>,
}

impl Driven {
    /// Takes the GPIO line, which is in its safe state from the first moment.
    fn open(gpio: &Gpio, name: &'static str, output: &Output, safe: Level) -> Result<Self, RejectError> {
        let safe = if output.safe_state.unwrap_or(safe) == Level::Active { Value::Active } else { Value::Inactive };
        let request = Wanted::output(name, output, gpio).request(|builder| {
            builder.as_output(safe);
        })?;
        Ok(Self { name, request, safe, at: Some(safe) })
    }

    fn set(&mut self, active: bool) -> Result<(), RejectError> {
        let value = if active { Value::Active } else { Value::Inactive };
        if self.at == Some(value) {
            return Ok(());
        }
        self.at = None;
        let set = self.request.set_lone_value(value);
        set.map_err(|error| RejectError::Gpio {
            name: self.name,
            reason: format!("the line cannot be driven: {error}"),
        })?;
        self.at = Some(value);
        Ok(())
    }

    fn make_safe(&mut self) {
        // There is nobody left to tell.
        let _ = self.request.set_lone_value(self.safe);
    }
}

/// The outputs on their GPIO lines.
pub struct GpioSink {
    /// Whether the reject output rejects while its GPIO line is active.
    active_rejects: bool,
    reject: Driven,
    ready: Option<Driven>,
    fault: Option<Driven>,
    heartbeat: Option<Driven>,
}

impl GpioSink {
    pub fn open(gpio: &Gpio, polarity: Polarity) -> Result<Self, RejectError> {
        let active_rejects = polarity == Polarity::EnergiseToReject;
        let wanted = gpio.reject.as_ref().ok_or_else(|| RejectError::Gpio {
            name: "reject",
            reason: "no line is configured: name one, or use actuator.sink = \"log\"".into(),
        })?;
        let open = |name, output: &Option<Output>, safe| {
            output.as_ref().map(|output| Driven::open(gpio, name, output, safe)).transpose()
        };
        Ok(Self {
            active_rejects,
            reject: Driven::open(gpio, "reject", wanted, if active_rejects { Level::Active } else { Level::Inactive })?,
            ready: open("ready", &gpio.ready, Level::Inactive)?,
            fault: open("fault", &gpio.fault, Level::Active)?,
            heartbeat: open("heartbeat", &gpio.heartbeat, Level::Inactive)?,
        })
    }
}

impl Sink for GpioSink {
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError> {
        self.reject.set(outputs.reject == self.active_rejects)?;
        self.ready.iter_mut().try_for_each(|ready| ready.set(outputs.ready))?;
        self.fault.iter_mut().try_for_each(|fault| fault.set(outputs.fault))
    }

    fn heartbeat(&mut self, active: bool) -> Result<(), RejectError> {
        self.heartbeat.iter_mut().try_for_each(|heartbeat| heartbeat.set(active))
    }

    fn make_safe(&mut self) {
        let others = [&mut self.ready, &mut self.fault, &mut self.heartbeat].into_iter().flatten();
        std::iter::once(&mut self.reject).chain(others).for_each(Driven::make_safe);
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        Some(self.reject.request.as_fd())
    }
}

/// The pull resistor of an input.
fn bias(input: &Input) -> Option<Bias> {
    match input.bias {
        WantedBias::AsIs => None,
        WantedBias::PullUp => Some(Bias::PullUp),
        WantedBias::PullDown => Some(Bias::PullDown),
        WantedBias::Disabled => Some(Bias::Disabled),
    }
}

/// The GPIO line of one input.
struct Watched {
    name: &'static str,
    request: Request,
    /// Number of the last edge, from 1.
    last: u32,
}

/// The inputs on their GPIO lines.
pub struct GpioEdges(heapless::Vec<Watched, INPUTS_MAX>);

impl GpioEdges {
    pub fn open(gpio: &Gpio) -> Result<Self, RejectError> {
        let wanted = gpio.inputs().into_iter().filter_map(|(name, input)| Some((name, input?)));
        let watched = wanted.map(|(name, input)| Watched::open(gpio, name, input));
        Ok(Self(watched.collect::<Result<_, _>>()?))
    }
}

impl Watched {
    fn open(gpio: &Gpio, name: &'static str, input: &Input) -> Result<Self, RejectError> {
        let request = Wanted::input(name, input, gpio).request(|builder| {
            builder.as_input().with_bias(bias(input)).with_edge_detection(EdgeDetection::RisingEdge);
            builder.with_event_clock(EventClock::Monotonic).with_kernel_event_buffer_size(KERNEL_EDGES);
        })?;
        Ok(Self { name, request, last: 0 })
    }

    fn read(&mut self, take: &mut dyn FnMut(Edge)) -> gpiocdev::Result<()> {
        let mut words = [0u64; EDGES_READ * EDGE_WORDS];
        let size = self.request.edge_event_u64_size().min(EDGE_WORDS);
        let mut left = 2 * KERNEL_EDGES as usize;
        while left > 0 && self.request.has_edge_event()? {
            let read = self.request.read_edge_events_into_slice(&mut words)?;
            for words in words[..read].chunks_exact(size) {
                let event = self.request.edge_event_from_slice(words)?;
                let lost = event.line_seqno.wrapping_sub(self.last).saturating_sub(1);
                self.last = event.line_seqno;
                let kind = match self.name {
                    "trigger" => EdgeKind::Trigger,
                    "encoder" => EdgeKind::Encoder { lost },
                    "confirm" => EdgeKind::Confirm,
                    _ => EdgeKind::Acknowledge,
                };
                take(Edge { kind, at: event.timestamp_ns });
                left = left.saturating_sub(1);
            }
        }
        Ok(())
    }
}

impl Edges for GpioEdges {
    fn files(&self) -> heapless::Vec<BorrowedFd<'_>, INPUTS_MAX> {
        self.0.iter().map(|watched| watched.request.as_fd()).collect()
    }

    fn read(&mut self, take: &mut dyn FnMut(Edge)) -> Result<(), RejectError> {
        self.0.iter_mut().try_for_each(|watched| {
            let name = watched.name;
            let read = watched.read(take);
            read.map_err(|error| RejectError::Gpio { name, reason: format!("the line cannot be read: {error}") })
        })
    }
}
