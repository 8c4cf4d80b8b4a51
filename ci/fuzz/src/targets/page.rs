//! The station's page, over a connection.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crosscheck::action::Asked;
use crosscheck::audit::Scribe;
use crosscheck::runtime::metrics::Metrics;
use crosscheck::runtime::recipe::Roster;
use crosscheck::view::{Latest, Station, View};

/// Ports that are still held by earlier connections are free again after a while.
const TRIES: usize = 3000;

struct Served {
    address: SocketAddr,
    _view: View,
    /// Full after one action; the next are refused.
    _actions: std::sync::Mutex<Receiver<Asked>>,
}

fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let config = toml::from_str("bind = \"127.0.0.1:0\"\ntoken = \"0123456789abcdef\"").expect("a view");
        let (sender, actions) = sync_channel(1);
        let station = Station {
            name: "line".into(),
            metrics: Arc::new(Metrics::new(&["camera_lost"])),
            recipes: Roster::default(),
            latest: Arc::new(Latest::new()),
            actions: sender,
            staff: None,
            scribe: Scribe::default(),
            recording: None,
            lessons: None,
            trace: None,
            progress_age_max: Duration::from_secs(600),
        };
        let view = View::serve(&config, station).expect("a port");
        Served { address: view.address(), _view: view, _actions: actions.into() }
    })
}

fn connect() -> TcpStream {
    for _ in 0..TRIES {
        match TcpStream::connect(served().address) {
            Ok(stream) => return stream,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    panic!("the page takes no connection");
}

/// Whether a request is answered with success.
pub fn read(path: &Path) -> bool {
    let request = fs::read(path).expect("scratch");
    let mut stream = connect();
    // It may answer, and close, before all of it is sent.
    let _ = stream.write_all(&request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer.starts_with(b"HTTP/1.1 200")
}
