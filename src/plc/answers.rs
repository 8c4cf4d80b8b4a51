//! The answer to each request. Every request has one snapshot of everything, so that its words belong together.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_modbus::server::Service;
use tokio_modbus::{ExceptionCode, Request, Response};

use super::desk::Desk;
use super::map::{self, ACKNOWLEDGE, APPLY, COILS, HOLD, IDENTITY, IDENTITY_BYTES, RECIPE, Snapshot, WORDS};
use super::numbers::{self, Reason, Status};
use super::station::Station;
use crate::locked::locked;
use crate::reject::fault::{Fault, FaultSet};
use crate::runtime::metrics::{Count, Gauge};

/// The most registers and coils that a request may ask for, by the protocol.
const REGISTERS_MAX: u16 = 125;
const COILS_MAX: u16 = 2000;

/// The answers of a station.
pub struct Answers {
    station: Station,
    desk: Mutex<Desk>,
    writes: bool,
}

impl Answers {
    pub fn new(station: Station, desk: Desk, writes: bool) -> Self {
        Self { station, desk: Mutex::new(desk), writes }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        locked(&self.desk)
    }

    fn answer(&self, request: Request, from: IpAddr) -> Result<Response, ExceptionCode> {
        match request {
            Request::ReadHoldingRegisters(address, many) => {
                self.registers(address, many).map(Response::ReadHoldingRegisters)
            }
            Request::ReadInputRegisters(address, many) => {
                self.registers(address, many).map(Response::ReadInputRegisters)
            }
            Request::ReadCoils(address, many) => {
                let coils = within(address, many, COILS_MAX, COILS.len() as u16)?;
                let now = self.snapshot();
                Ok(Response::ReadCoils(COILS[coils].iter().map(|coil| (coil.state)(&now)).collect()))
            }
            Request::WriteSingleCoil(address, state) => {
                self.write_coils(address, &[state], from)?;
                Ok(Response::WriteSingleCoil(address, state))
            }
            Request::WriteMultipleCoils(address, states) => {
                self.write_coils(address, &states, from)?;
                Ok(Response::WriteMultipleCoils(address, states.len() as u16))
            }
            Request::WriteSingleRegister(address, word) => {
                self.write_registers(address, &[word])?;
                Ok(Response::WriteSingleRegister(address, word))
            }
            Request::WriteMultipleRegisters(address, words) => {
                self.write_registers(address, &words)?;
                Ok(Response::WriteMultipleRegisters(address, words.len() as u16))
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    fn registers(&self, address: u16, many: u16) -> Result<Vec<u16>, ExceptionCode> {
        let registers = within(address, many, REGISTERS_MAX, WORDS)?;
        Ok(map::words(&self.snapshot())[registers].to_vec())
    }

    fn write_coils(&self, address: u16, states: &[bool], from: IpAddr) -> Result<(), ExceptionCode> {
        self.permit()?;
        let coils = within(address, states.len() as u16, COILS_MAX, COILS.len() as u16)?;
        let is_held = self.faults().contains(Fault::Held);
        let mut desk = self.desk();
        desk.is_written_from(from);
        for (coil, state) in coils.map(|coil| coil as u16).zip(states) {
            match coil {
                HOLD => desk.hold(*state, is_held),
                APPLY if *state => desk.apply_recipe(),
                ACKNOWLEDGE if *state => desk.acknowledge(),
                _ => {}
            }
        }
        Ok(())
    }

    fn write_registers(&self, address: u16, words: &[u16]) -> Result<(), ExceptionCode> {
        self.permit()?;
        within(address, words.len() as u16, REGISTERS_MAX, WORDS)?;
        let (recipe, identity) = match address {
            RECIPE => words.split_first().map_or((None, words), |(recipe, rest)| (Some(*recipe), rest)),
            IDENTITY.. => (None, words),
            _ => return Err(ExceptionCode::IllegalDataAddress),
        };
        // In two requests, a part between them would get half a name.
        let identity: Option<[u16; IDENTITY_BYTES / 2]> = match identity {
            [] => None,
            _ if address > IDENTITY => return Err(ExceptionCode::IllegalDataValue),
            words => Some(words.try_into().map_err(|_| ExceptionCode::IllegalDataValue)?),
        };
        let mut desk = self.desk();
        if let Some(number) = recipe {
            desk.choose_recipe(number);
        }
        if let Some(words) = identity {
            desk.name_next(map::text_of(words));
        }
        Ok(())
    }

    fn permit(&self) -> Result<(), ExceptionCode> {
        if self.writes {
            return Ok(());
        }
        self.desk().refuse(Reason::NotPermitted);
        Err(ExceptionCode::IllegalFunction)
    }

    /// Everything that is shown, at one moment.
    fn snapshot(&self) -> Snapshot {
        let Station { metrics, last, .. } = &self.station;
        // As a counter of 32 or 16 bits, which begins again at 0.
        let total = |counts: &[Count]| metrics.sum(counts) as u32;
        let faults = self.faults();
        let mut now = Snapshot {
            heartbeat: metrics.uptime().as_secs() as u16,
            fault: faults.iter().next().map_or(0, numbers::fault),
            parts: total(&[Count::Parts]),
            passed: total(&[Count::Passed]),
            reviewed: total(&[Count::Reviewed]),
            rejected: total(&[Count::Rejected]),
            unscored: total(&Count::UNSCORED),
            late: total(&[Count::LateVerdicts]),
            last: last.read(),
            recipe: metrics.gauge(Gauge::Recipe) as u16,
            held: faults.contains(Fault::Held),
            ..Snapshot::default()
        };
        let mut desk = self.desk();
        desk.show(&mut now);
        now.status = self.status(faults, desk.changes_recipe());
        now
    }

    fn status(&self, faults: FaultSet, changes_recipe: bool) -> u16 {
        let Station { metrics, records, progress_age_max, .. } = &self.station;
        let is_set = |status: Status| match status {
            Status::Ready => !faults.holds() && metrics.progress_age() <= *progress_age_max,
            Status::Fault => faults.shows(),
            Status::Held => faults.holds(),
            Status::Recording => *records && !faults.contains(Fault::DiskFull),
            Status::RecipeChange => changes_recipe || faults.contains(Fault::RecipeChange),
            Status::ReviewBand => metrics.gauge(Gauge::ReviewThreshold) < metrics.gauge(Gauge::Threshold),
        };
        Status::ALL.into_iter().filter(|status| is_set(*status)).map(Status::bit).sum()
    }

    fn faults(&self) -> FaultSet {
        self.station.metrics.active_faults()
    }
}

/// The answers for one client.
pub struct Client {
    pub answers: Arc<Answers>,
    /// Its address.
    pub from: IpAddr,
}

impl Service for Client {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let answer = self.answers.answer(request, self.from);
        self.answers.station.metrics.count(if answer.is_ok() { Count::PlcAnswered } else { Count::PlcRefused });
        ready(answer)
    }
}

/// The places from `address` on, of which a request may have `most` and the map has `end`.
fn within(address: u16, many: u16, most: u16, end: u16) -> Result<Range<usize>, ExceptionCode> {
    if many == 0 || many > most {
        return Err(ExceptionCode::IllegalDataValue);
    }
    match address.checked_add(many).filter(|behind| *behind <= end) {
        Some(behind) => Ok(address.into()..behind.into()),
        None => Err(ExceptionCode::IllegalDataAddress),
    }
}
