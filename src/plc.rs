//! Registers and coils for a control, over Modbus TCP: counts, the last judged part, and a few commands.
//!
//! One thread of low priority serves all clients. It reads atomics and asks the station by the queue that the live page
//! uses, so that no client holds up the station, and losing one changes nothing.

mod answers;
mod desk;
mod frames;
mod last_part;
pub mod map;
pub mod numbers;
mod place;
mod server;
mod station;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use thiserror::Error;

use crate::config::plc as config;
use crate::server_thread::ServerThread;
use answers::Answers;
use desk::Desk;
pub use desk::HasRecipe;
pub use frames::Limits;
pub use last_part::{LastPart, Publisher, Reader, last_part};
use place::Places;
use server::Door;
pub use station::{Commands, Station};

#[derive(Debug, Error)]
pub enum PlcError {
    #[error(
        "cannot listen on {address} for a PLC: {source}; does another program use plc.bind, or is the port not permitted?"
    )]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start the thread that serves a PLC: {0}")]
    Thread(std::io::Error),
}

/// The server, until it is dropped.
pub struct Plc {
    address: SocketAddr,
    _thread: ServerThread,
}

impl Plc {
    /// Listens, and serves in a thread of its own.
    pub fn serve(config: &config::Plc, limits: Limits, station: Station, commands: Commands) -> Result<Self, PlcError> {
        let failed = |source| PlcError::Listen { address: config.bind, source };
        let listener = TcpListener::bind(config.bind).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if config.writes && !address.ip().is_loopback() {
            log::warn!(
                "whoever reaches {address} from an address in plc.allow may command the station: Modbus has no password"
            );
        }
        let Commands { actions, namer, has_recipe } = commands;
        let metrics = station.metrics.clone();
        let desk = Desk::new(actions, namer, has_recipe);
        let door = Door {
            answers: Arc::new(Answers::new(station, desk, config.writes)),
            places: Places::new(metrics.clone()),
            metrics,
            config: config.clone(),
            limits,
        };
        let thread = ServerThread::start("plc", move |stop| server::serve(listener, door, stop));
        Ok(Self { address, _thread: thread.map_err(PlcError::Thread)? })
    }

    /// The address it listens on, with the port that the system chose if 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
