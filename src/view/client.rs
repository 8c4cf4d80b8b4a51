//! Who sends a request.

use std::net::IpAddr;
use std::sync::Arc;

use crate::seats::Seat;

#[derive(Clone)]
pub struct Client {
    pub address: IpAddr,
    /// Its place, to be kept while it is served with events.
    pub seat: Arc<Seat>,
}
