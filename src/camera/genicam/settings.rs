//! How a GenICam camera is used.

use std::collections::BTreeMap;

use super::composition::Composition;
use super::features::Value;

/// A device and what is set on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Serial number, IP address, MAC address, name or id; the one that is there where none is given.
    pub name: Option<String>,
    pub features: BTreeMap<String, Value>,
    /// The table of the configuration that has the features, for errors.
    pub section: &'static str,
    /// The chunk of each buffer that counts the edges at the trigger.
    pub trigger_count: Option<String>,
}

impl Device {
    /// A device that is used as it is set.
    pub fn named(name: &str) -> Self {
        Self { name: Some(name.into()), features: BTreeMap::new(), section: "", trigger_count: None }
    }
}

/// A camera: one device with colour and depth, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Genicam {
    pub device: Device,
    /// The device that gives depth, where the other gives colour alone.
    pub depth_device: Option<Device>,
    pub composition: Composition,
    pub transport: Transport,
    /// Of two devices, one that is silent for longer while the other goes on has failed, nanoseconds.
    pub silent_ns_max: u64,
}

/// The way of frames over the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// Bytes of a packet; the largest that gets through where none is given.
    pub packet_size: Option<u32>,
    /// Whether packets that are missing are asked for again.
    pub resend: bool,
    /// A packet that has not come for so long is missing, microseconds.
    pub packet_timeout_us: u32,
    /// A frame whose packets have not all come so long after the last of them is given up, microseconds.
    pub frame_retention_us: u32,
    /// Without a sign of the station for so long the device gives its control up, milliseconds; its own time where none is given.
    pub heartbeat_ms: Option<u32>,
}
