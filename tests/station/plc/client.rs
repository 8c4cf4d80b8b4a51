//! The client of tokio-modbus, which waits.

use std::net::SocketAddr;

use tokio::runtime::{Builder, Runtime};
use tokio_modbus::ExceptionCode;
use tokio_modbus::client::{Context, Reader, Writer, tcp};

pub struct Client {
    runtime: Runtime,
    context: Context,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let context = runtime.block_on(tcp::connect(address)).unwrap();
        Self { runtime, context }
    }

    pub fn read(&mut self, address: u16, many: u16) -> Result<Vec<u16>, ExceptionCode> {
        self.runtime.block_on(self.context.read_holding_registers(address, many)).unwrap()
    }

    pub fn read_input(&mut self, address: u16, many: u16) -> Result<Vec<u16>, ExceptionCode> {
        self.runtime.block_on(self.context.read_input_registers(address, many)).unwrap()
    }

    pub fn coils(&mut self, address: u16, many: u16) -> Result<Vec<bool>, ExceptionCode> {
        self.runtime.block_on(self.context.read_coils(address, many)).unwrap()
    }

    pub fn discrete_inputs(&mut self, address: u16, many: u16) -> Result<Vec<bool>, ExceptionCode> {
        self.runtime.block_on(self.context.read_discrete_inputs(address, many)).unwrap()
    }

    /// One word by the function that writes one, several by the other one.
    pub fn write(&mut self, address: u16, words: &[u16]) -> Result<(), ExceptionCode> {
        self.runtime
            .block_on(async {
                match words {
                    [word] => self.context.write_single_register(address, *word).await,
                    words => self.context.write_multiple_registers(address, words).await,
                }
            })
            .unwrap()
    }

    pub fn write_coil(&mut self, address: u16, state: bool) -> Result<(), ExceptionCode> {
        self.runtime.block_on(self.context.write_single_coil(address, state)).unwrap()
    }

    pub fn write_coils(&mut self, address: u16, states: &[bool]) -> Result<(), ExceptionCode> {
        self.runtime.block_on(self.context.write_multiple_coils(address, states)).unwrap()
    }
}
