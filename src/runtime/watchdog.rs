//! Tells the service manager that the station is ready and alive, and in which state it is. The protocol is a few words
//! over a datagram socket (sd_notify(3)). The inspection thread sends messages: sending neither waits nor allocates.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The socket on which the service manager listens, if there is a service manager.
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
}

impl ServiceManager {
    /// Without a service manager; nothing is sent.
    pub fn none() -> Self {
        Self { socket: None }
    }

    /// The service manager that started this program, by the variable NOTIFY_SOCKET.
    pub fn from_environment() -> io::Result<Self> {
        std::env::var_os("NOTIFY_SOCKET").map_or(Ok(Self::none()), |name| Self::at(&name))
    }

    /// `name`: a path, or an abstract name after an `@`.
    pub fn at(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(socket) })
    }

    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The start takes longer than the service manager allows for, and goes on: it waits a little more from each such
    /// message.
    pub fn still_starting(&self) {
        self.send("EXTEND_TIMEOUT_USEC=10000000");
    }

    /// A sign of life.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// `line`: `STATUS=` and a text of one line.
    pub fn status(&self, line: &str) {
        self.send(line);
    }

    fn send(&self, message: &str) {
        // A manager that does not listen misses signs of life, and acts on that by itself.
        let _ = self.socket.as_ref().map(|socket| socket.send(message.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("crosscheck-test-{}", std::process::id());
        let listeners = [
            (path.clone().into_os_string(), UnixDatagram::bind(&path).unwrap()),
            (
                format!("@{name}").into(),
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
            ),
        ];
        for (name, listener) in listeners {
            let manager = ServiceManager::at(&name).unwrap();
            manager.still_starting();
            manager.ready();
            manager.alive();
            manager.status("STATUS=12 fps");
            manager.stopping();
            let receive = || {
                let mut buffer = [0; 64];
                let length = listener.recv(&mut buffer).unwrap();
                String::from_utf8(buffer[..length].to_vec()).unwrap()
            };
            let told = ["EXTEND_TIMEOUT_USEC=10000000", "READY=1", "WATCHDOG=1", "STATUS=12 fps", "STOPPING=1"];
            assert_eq!([(); 5].map(|()| receive()), told);
        }
    }

    #[test]
    fn without_a_manager_nothing_is_sent_and_a_wrong_one_is_an_error() {
        ServiceManager::none().ready();
        assert!(ServiceManager::at(OsStr::new("/nowhere/notify")).is_err());
    }
}
