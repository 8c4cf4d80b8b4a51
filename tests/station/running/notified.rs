//! What the station tells its service manager.

use std::os::unix::net::UnixDatagram;
use std::thread::JoinHandle;

use crosscheck::runtime::watchdog::ServiceManager;
use tempfile::TempDir;

/// Stands in the place of the service manager until the station says that it stops.
pub struct Notified {
    folder: TempDir,
    told: JoinHandle<Vec<String>>,
}

impl Notified {
    pub fn listen() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let told = std::thread::spawn(move || {
            let (mut told, mut buffer) = (Vec::new(), [0; 512]);
            while told.last().is_none_or(|last| last != "STOPPING=1") {
                let length = listener.recv(&mut buffer).unwrap();
                told.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
            }
            told
        });
        Self { folder, told }
    }

    /// What the station reaches it by.
    pub fn manager(&self) -> ServiceManager {
        ServiceManager::at(self.folder.path().join("notify").as_os_str()).unwrap()
    }

    /// All that it was told, in order.
    pub fn told(self) -> Vec<String> {
        self.told.join().unwrap()
    }
}
