//! Which of the devices that are there is meant.

use std::fmt;

use crate::camera::CameraError;

/// A device that answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Aravis' own name for it, by which it is opened.
    pub id: String,
    pub vendor: String,
    pub model: String,
    pub serial: String,
    /// IP address, or the address on the USB bus.
    pub address: String,
    /// MAC address, or the GUID of a USB device.
    pub physical: String,
    pub protocol: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vendor, model, serial, address, protocol, .. } = self;
        write!(f, "{serial} ({vendor} {model}, {protocol} at {address})")
    }
}

impl Found {
    fn is_meant(&self, name: &str) -> bool {
        [&self.serial, &self.address, &self.physical, &self.id, &self.model]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The device that is meant. A name that several have is refused, and none where there are several.
pub fn choose<'a>(devices: &'a [Found], name: Option<&str>) -> Result<&'a Found, CameraError> {
    let mut meant = devices.iter().filter(|found| name.is_none_or(|name| found.is_meant(name)));
    let there = || devices.iter().map(Found::to_string).collect::<Vec<_>>().join(", ");
    match (meant.next(), meant.next(), name) {
        (Some(only), None, _) => Ok(only),
        (Some(_), Some(_), None) => Err(CameraError::settings(format!(
            "there are {} cameras, {}: name one with camera.genicam.device",
            devices.len(),
            there()
        ))),
        (Some(_), Some(_), Some(name)) => Err(CameraError::settings(format!(
            "{name} is the name of several cameras among {}: give a serial number",
            there()
        ))),
        (None, _, _) if devices.is_empty() => Err(CameraError::lost(format!(
            "no GenICam camera answers{}: check its cable, its power and its address",
            name.map_or(String::new(), |name| format!(", where {name} is expected"))
        ))),
        (None, _, _) => Err(CameraError::lost(format!(
            "the camera {} does not answer; there are: {}",
            name.unwrap_or_default(),
            there()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(serial: &str, address: &str) -> Found {
        let text = |text: &str| text.to_string();
        Found {
            id: format!("Maker-{serial}"),
            vendor: text("Maker"),
            model: text("M1"),
            serial: text(serial),
            address: text(address),
            physical: format!("00:11:22:33:44:{serial}"),
            protocol: text("GigEVision"),
        }
    }

    #[test]
    fn a_device_is_known_by_each_of_its_names() {
        let devices = [found("0a", "10.0.0.1"), found("0b", "10.0.0.2")];
        for name in ["0b", "10.0.0.2", "00:11:22:33:44:0B", "Maker-0b"] {
            assert_eq!(choose(&devices, Some(name)).unwrap(), &devices[1], "{name}");
        }
        assert_eq!(choose(&devices[..1], None).unwrap(), &devices[0]);
    }

    #[test]
    fn what_is_not_there_is_waited_for_and_what_is_not_clear_is_refused() {
        let devices = [found("0a", "10.0.0.1"), found("0b", "10.0.0.2")];
        for name in [None, Some("M1")] {
            let error = choose(&devices, name).unwrap_err();
            assert!(!error.reopening_may_help() && error.to_string().contains("0b (Maker M1"), "{error}");
        }
        for (devices, name) in [(&devices[..], Some("0c")), (&[], Some("0c")), (&[], None)] {
            let error = choose(devices, name).unwrap_err();
            assert!(error.reopening_may_help() && error.to_string().contains(name.unwrap_or("no GenICam")), "{error}");
        }
    }
}
