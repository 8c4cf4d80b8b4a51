//! The service, as systemd and its own view show it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::client::Client;

/// The slowest thing that is waited for, on an emulated machine.
const WAIT_MAX: Duration = Duration::from_secs(180);

pub struct Service {
    unit: String,
}

impl Service {
    /// Starts and waits until it says that it is ready.
    pub fn start(name: &str) -> Self {
        let service = Self { unit: format!("crosscheck@{name}.service") };
        systemctl(&["reset-failed", &service.unit]);
        let started = systemctl(&["start", &service.unit]);
        assert!(started.is_some(), "{}", service.log());
        service
    }

    pub fn stop(&self) {
        assert!(systemctl(&["stop", &self.unit]).is_some(), "{}", self.log());
    }

    pub fn show(&self, property: &str) -> String {
        systemctl(&["show", &self.unit, "--value", "-p", property]).unwrap_or_default()
    }

    pub fn restarts(&self) -> u32 {
        self.show("NRestarts").parse().unwrap()
    }

    pub fn pid(&self) -> i32 {
        self.show("MainPID").parse().unwrap()
    }

    pub fn kill(&self, signal: &str) {
        systemctl(&["kill", "--kill-whom=main", "--signal", signal, &self.unit]).unwrap();
    }

    pub fn wait_for_restart(&self, before: u32) {
        self.wait("a restart", || self.restarts() > before && self.show("ActiveState") == "active");
    }

    pub fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < WAIT_MAX, "no {what} in {WAIT_MAX:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// `/state.json`.
    pub fn state(&self) -> Value {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert!(TcpStream::connect(address).is_ok(), "the view does not answer\n{}", self.log());
        serde_json::from_slice(&Client::new(address).get("/state.json").body).unwrap()
    }

    pub fn count(&self, name: &str) -> u64 {
        self.state()["counts"][name].as_u64().unwrap()
    }

    /// Faults that are active.
    pub fn faults(&self) -> Vec<String> {
        let state = self.state();
        let active = state["faults"].as_array().unwrap().iter().filter(|fault| fault["active"] == true);
        active.map(|fault| fault["name"].as_str().unwrap().to_string()).collect()
    }

    pub fn log(&self) -> String {
        let arguments = ["-u", self.unit.as_str(), "--no-pager", "-o", "cat", "-n", "60"];
        let output = Command::new("journalctl").args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Number of the thread of this name.
    pub fn thread(&self, name: &str) -> i32 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let named =
            |path: &std::path::Path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name);
        let mut found = tasks.flatten().map(|task| task.path()).filter(|path| named(path));
        let path = found.next().unwrap_or_else(|| panic!("no thread {name}"));
        path.file_name().unwrap().to_str().unwrap().parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        systemctl(&["stop", &self.unit]);
    }
}

/// What it printed; none where it failed.
fn systemctl(arguments: &[&str]) -> Option<String> {
    let output = Command::new("systemctl").args(arguments).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Stops one thread of another process for good, as a driver that never returns would.
pub fn hang(thread: i32) {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: these requests take numbers alone; no memory of either process is touched.
    let done = unsafe {
        libc::ptrace(libc::PTRACE_SEIZE, thread, none, none) == 0
            && libc::ptrace(libc::PTRACE_INTERRUPT, thread, none, none) == 0
    };
    assert!(done, "{}", std::io::Error::last_os_error());
}
