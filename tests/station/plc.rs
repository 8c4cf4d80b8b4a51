//! What a control reads and writes, by the client of the crate whose server is used, and by raw bytes.

mod client;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use client::Client;
use crosscheck::action::{Action, Asked, By, Reply, Way};
use crosscheck::clock::monotonic_ns;
use crosscheck::defects::Defects;
use crosscheck::identity::Names;
use crosscheck::plc::{Commands, LastPart, Limits, Plc, Publisher, Station, last_part};
use crosscheck::reject::fault::Fault;
use crosscheck::runtime::FAULT_NAMES;
use crosscheck::runtime::metrics::{Count, Gauge, Metrics};
use crosscheck::score::Verdict;
use tokio_modbus::ExceptionCode;

/// Short enough for a test, and long for a request on one machine.
const LIMITS: Limits = Limits { idle: Duration::from_secs(20), frame: Duration::from_secs(1) };
/// No test takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(60);
const READ_ALL: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 49];

/// A served station on a port of its own.
struct Line {
    plc: Plc,
    metrics: Arc<Metrics>,
    last: Publisher,
    asked: Receiver<Asked>,
    names: Names,
}

impl Line {
    fn new(config: &str, limits: Limits) -> Self {
        let config = toml::from_str(&format!("bind = \"127.0.0.1:0\"\n{config}")).unwrap();
        let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
        let (last, read) = last_part();
        let (actions, asked) = sync_channel(4);
        let mut names = Names::new("2026-11-30T06:21:16Z".parse().unwrap());
        let progress_age_max = Duration::from_secs(600);
        let station = Station { metrics: metrics.clone(), last: read, records: true, progress_age_max };
        let commands = Commands { actions, namer: names.source(), has_recipe: Box::new(|number| number == 3) };
        Self { plc: Plc::serve(&config, limits, station, commands).unwrap(), metrics, last, asked, names }
    }

    fn writable() -> Self {
        Self::new("writes = true", LIMITS)
    }

    fn client(&self) -> Client {
        Client::new(self.plc.address())
    }

    fn raw(&self) -> TcpStream {
        connect(self.plc.address())
    }

    /// Waits until a count has reached a value.
    fn until(&self, what: Count, value: u64) {
        let start = Instant::now();
        while self.metrics.total(what) < value {
            assert!(start.elapsed() < PATIENCE, "{what:?} is {}", self.metrics.total(what));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whether the station closes the connection, after whatever it still sends.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        // So the end looks where bytes came that were not read.
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn the_counters_and_the_last_part_are_read() {
    let mut line = Line::writable();
    line.metrics.add(Count::Parts, 70_000);
    line.metrics.verdict(69_999, Some(0.25), 0.5, Verdict::Pass);
    line.metrics.count(Count::UnscoredNoFrame);
    line.metrics.count(Count::UnscoredRecipe);
    line.metrics.count(Count::LateVerdicts);
    line.metrics.set(Gauge::Recipe, 4.0);
    line.metrics.set(Gauge::Threshold, 0.5);
    line.metrics.set(Gauge::ReviewThreshold, 0.25);
    line.last.publish(LastPart::new(69_999, Verdict::Pass, Some(0.25), 0.5, &Defects::default()));
    let mut client = line.client();
    let words = client.read(0, 49).unwrap();
    assert_eq!(words[..4], [1, words[1], 0b10_1001, 0]);
    assert_eq!(words[4..8], [1, 4_464, 0, 1]);
    assert_eq!(words[12..16], [0, 2, 0, 1]);
    assert_eq!(words[16..24], [1, 4_463, 0, 0x3e80, 0, 0x3f00, 0, 0]);
    assert_eq!(words[28..49], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(client.read(16, 2).unwrap(), [1, 4_463]);
    assert_eq!(client.read_input(16, 2).unwrap(), [1, 4_463]);
    assert_eq!(client.coils(0, 3).unwrap(), [false; 3]);
    // The heartbeat counts, whatever the line does.
    let start = Instant::now();
    while client.read(1, 1).unwrap() == words[1..2] {
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(line.metrics.total(Count::PlcAnswered) > 4 && line.metrics.total(Count::PlcRefused) == 0);
}

#[test]
fn faults_show_in_the_status() {
    let line = Line::writable();
    let mut client = line.client();
    let mut status = |fault: Fault, active: bool| {
        match active {
            true => line.metrics.raise(fault as usize),
            false => line.metrics.clear(fault as usize),
        }
        let words = client.read(2, 2).unwrap();
        (words[0], words[1])
    };
    assert_eq!(status(Fault::DiskFull, true), (0b00_0011, 13));
    assert_eq!(status(Fault::RecipeChange, true), (0b01_0110, 13));
    assert_eq!(status(Fault::DiskFull, false), (0b01_1100, 14));
    assert_eq!(status(Fault::CameraLost, true), (0b01_1110, 2));
    assert_eq!(status(Fault::RecipeChange, false), (0b00_1110, 2));
    assert_eq!(status(Fault::CameraLost, false), (0b00_1001, 0));
    assert_eq!(status(Fault::Held, true), (0b00_1100, 15));
    assert_eq!(client.coils(1, 1).unwrap(), [true]);
}

#[test]
fn commands_reach_the_station_and_their_results_come_back() {
    let line = Line::writable();
    let mut client = line.client();
    client.write(40, &[3]).unwrap();
    client.write_coil(2, true).unwrap();
    assert_eq!(client.read(29, 3).unwrap(), [3, 3, 0]);
    assert_eq!(client.read(2, 1).unwrap()[0] & 0b1_0000, 0b1_0000, "a recipe change is under way");
    let asked = line.asked.try_recv().unwrap();
    assert_eq!(asked.action, Action::Recipe(3));
    assert_eq!(asked.by, By::machine(Way::Plc, Some(Ipv4Addr::LOCALHOST.into())));
    // A client that goes, and another one that comes, change nothing.
    drop(client);
    let mut client = line.client();
    assert_eq!(client.read(29, 3).unwrap(), [3, 3, 0]);
    asked.reply(Reply::Done("it takes over".into()));
    assert_eq!(client.read(29, 3).unwrap(), [3, 1, 0]);
    client.write_coils(0, &[true, true, false]).unwrap();
    let actions = [line.asked.try_recv().unwrap().action, line.asked.try_recv().unwrap().action];
    assert_eq!(actions, [Action::Acknowledge, Action::Hold(true)]);
    client.write(40, &[9]).unwrap();
    client.write_coil(2, true).unwrap();
    line.asked.try_recv().unwrap().reply(Reply::Refused("no recipe 9".into()));
    assert_eq!(client.read(29, 3).unwrap(), [9, 2, 2]);
    for nothing in [0, 2] {
        client.write_coil(nothing, false).unwrap();
    }
    assert!(line.asked.try_recv().is_err(), "0 asks for nothing");
}

#[test]
fn an_identity_is_written_whole() {
    let mut line = Line::writable();
    let mut client = line.client();
    let name = [0x534e, 0x2d30, 0x3034, 0x3200, 0, 0, 0, 0];
    client.write(41, &name).unwrap();
    assert_eq!(client.read(41, 8).unwrap(), name);
    assert_eq!(line.names.take(1, monotonic_ns()).text(), "SN-0042");
    let mut both = vec![3];
    both.extend([0x4242; 8]);
    client.write(40, &both).unwrap();
    assert_eq!(line.names.take(2, monotonic_ns()).text(), "B".repeat(16));
    assert_eq!(client.write(41, &name[..4]), Err(ExceptionCode::IllegalDataValue));
    assert_eq!(client.write(44, &[1]), Err(ExceptionCode::IllegalDataValue));
    assert_eq!(client.write(40, &[3, 1]), Err(ExceptionCode::IllegalDataValue));
    client.write(41, &[0x0700, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(client.read(30, 2).unwrap(), [2, 5]);
    assert_eq!(line.names.take(3, monotonic_ns()).text(), "20261130T062116Z-000003");
}

#[test]
fn what_the_map_does_not_have_is_refused() {
    let line = Line::writable();
    let mut client = line.client();
    for (address, many) in [(49, 1), (48, 2), (65_535, 1), (65_535, 2), (0, 50)] {
        assert_eq!(client.read(address, many), Err(ExceptionCode::IllegalDataAddress), "{address}, {many}");
    }
    for many in [0, 126, 65_535] {
        assert_eq!(client.read(0, many), Err(ExceptionCode::IllegalDataValue), "{many}");
    }
    assert_eq!(client.coils(2, 2), Err(ExceptionCode::IllegalDataAddress));
    for address in [0, 31, 39, 49] {
        assert_eq!(client.write(address, &[1]), Err(ExceptionCode::IllegalDataAddress), "{address}");
    }
    assert_eq!(client.write(30, &[0; 11]), Err(ExceptionCode::IllegalDataAddress));
    assert_eq!(client.write_coil(3, true), Err(ExceptionCode::IllegalDataAddress));
    assert_eq!(client.discrete_inputs(0, 1), Err(ExceptionCode::IllegalFunction));
    assert!(line.asked.try_recv().is_err());
    assert_eq!(line.metrics.total(Count::PlcRefused), 16);
}

#[test]
fn nothing_is_written_unless_it_is_permitted() {
    let mut line = Line::new("", LIMITS);
    let mut client = line.client();
    assert_eq!(client.write_coil(0, true), Err(ExceptionCode::IllegalFunction));
    assert_eq!(client.write_coils(0, &[true; 3]), Err(ExceptionCode::IllegalFunction));
    assert_eq!(client.write(40, &[3]), Err(ExceptionCode::IllegalFunction));
    assert_eq!(client.write(41, &[0x4141; 8]), Err(ExceptionCode::IllegalFunction));
    assert!(line.asked.try_recv().is_err());
    assert_eq!(client.read(30, 2).unwrap(), [2, 1]);
    assert_eq!(client.read(40, 9).unwrap(), [0; 9]);
    assert_eq!(line.names.take(1, monotonic_ns()).text(), "20261130T062116Z-000001");
}

#[test]
fn only_named_addresses_may_connect() {
    let line = Line::new("allow = [\"10.0.0.0/8\", \"192.168.0.7\"]", LIMITS);
    let mut stream = line.raw();
    // It may be closed before it is written to.
    drop(stream.write_all(&READ_ALL));
    assert!(is_closed(&mut stream));
    line.until(Count::PlcNotAllowed, 1);
    assert_eq!(line.metrics.total(Count::PlcConnected), 0);
}

#[test]
fn garbage_closes_the_connection_and_no_other() {
    let line = Line::writable();
    let mut client = line.client();
    client.read(0, 32).unwrap();
    for (i, garbage) in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        // A frame of 64 KiB, one without content, and another protocol.
        &[0, 1, 0, 0, 0xff, 0xff, 1, 3, 0, 0, 0, 49],
        &[0, 1, 0, 0, 0, 1, 1],
        &[0, 1, 0, 9, 0, 6, 1, 3, 0, 0, 0, 49],
        // 2,000 coils in one byte, and 32,769 words in two.
        &[0, 1, 0, 0, 0, 8, 1, 15, 0, 0, 0x07, 0xd0, 1, 7],
        &[0, 1, 0, 0, 0, 9, 1, 16, 0, 40, 0x80, 1, 2, 0, 3],
    ]
    .into_iter()
    .enumerate()
    {
        let mut stream = line.raw();
        stream.write_all(garbage).unwrap();
        assert!(is_closed(&mut stream), "{garbage:?}");
        line.until(Count::PlcBroken, i as u64 + 1);
    }
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..300 {
        let mut bytes = READ_ALL.to_vec();
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.extend((0..random.usize(..40)).map(|_| random.u8(..)));
        let mut stream = line.raw();
        drop(stream.write_all(&bytes));
        drop(stream.shutdown(std::net::Shutdown::Write));
        assert!(is_closed(&mut stream));
    }
    assert_eq!(client.read(0, 1).unwrap(), [1]);
}

#[test]
fn half_a_request_is_not_waited_for() {
    let line = Line::writable();
    for half in [&READ_ALL[..1], &READ_ALL[..7], &READ_ALL[..11]] {
        let mut stream = line.raw();
        stream.write_all(half).unwrap();
        let start = Instant::now();
        assert!(is_closed(&mut stream));
        assert!(start.elapsed() >= LIMITS.frame / 2, "{half:?}");
    }
    line.until(Count::PlcBroken, 3);
    // A slow client that is within the time is answered.
    let mut stream = line.raw();
    stream.set_nodelay(true).unwrap();
    for byte in READ_ALL {
        stream.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut answer = [0; 9 + 98];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..11], [0, 1, 0, 0, 0, 101, 1, 3, 98, 0, 1]);
}

#[test]
fn a_silent_client_loses_its_place() {
    let line = Line::new("", Limits { idle: Duration::from_millis(200), ..LIMITS });
    let mut stream = line.raw();
    assert!(is_closed(&mut stream));
    line.until(Count::PlcIdle, 1);
    assert_eq!(line.metrics.total(Count::PlcBroken), 0);
}

#[test]
fn a_client_that_takes_no_answer_is_closed() {
    let line = Line::new("", LIMITS);
    let mut stream = line.raw();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    // Its requests are taken until its answers fill the buffers of both sides.
    let requests = READ_ALL.repeat(1000);
    let start = Instant::now();
    while stream.write_all(&requests).is_ok() {
        assert!(start.elapsed() < PATIENCE);
    }
    line.until(Count::PlcBroken, 1);
}

#[test]
fn a_hundred_clients_keep_no_control_out() {
    let line = Line::writable();
    let mut client = line.client();
    client.read(0, 32).unwrap();
    let silent: Vec<TcpStream> = (0..100).map(|_| line.raw()).collect();
    line.until(Count::PlcConnected, 101);
    assert_eq!(client.read(0, 1).unwrap(), [1]);
    let mut another = line.client();
    assert_eq!(another.read(0, 1).unwrap(), [1], "another control may come");
    assert_eq!(client.read(0, 1).unwrap(), [1]);
    assert_eq!(line.metrics.gauge(Gauge::PlcClients), 16.0);
    assert_eq!(line.metrics.total(Count::PlcDisplaced), 102 - 16);
    drop(silent);
}

#[test]
fn the_port_is_free_again_afterwards() {
    let line = Line::writable();
    let (address, mut client) = (line.plc.address(), line.raw());
    drop(line);
    assert!(is_closed(&mut client), "clients are closed with the station");
    assert!(std::net::TcpListener::bind(address).is_ok());
}

// Every value of a part follows from its number, so that an answer with words of two parts would show.
#[test]
fn an_answer_is_never_torn() {
    let mut line = Line::writable();
    let made = |number: u32| {
        let score = (number % 8_191) as f32 / 64.0;
        LastPart {
            number,
            score,
            threshold: -score,
            area: number as u16,
            at: [(number >> 16) as u16, 7],
            ..LastPart::default()
        }
    };
    line.last.publish(made(0));
    let address = line.plc.address();
    let (stop, stopped) = sync_channel::<()>(0);
    let mut last = line.last;
    let writer = std::thread::spawn(move || {
        let mut random = fastrand::Rng::with_seed(11);
        while stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            last.publish(made(random.u32(..)));
        }
    });
    let mut client = Client::new(address);
    let (start, mut numbers) = (Instant::now(), std::collections::HashSet::new());
    let mut torn = None;
    while torn.is_none() && (start.elapsed() < Duration::from_secs(1) || numbers.len() < 100) {
        let words = client.read(16, 11).unwrap();
        let number = u32::from(words[0]) << 16 | u32::from(words[1]);
        numbers.insert(number);
        let [high, low] = [(made(number).score.to_bits() >> 16) as u16, made(number).score.to_bits() as u16];
        let [below, rest] = [(made(number).threshold.to_bits() >> 16) as u16, made(number).threshold.to_bits() as u16];
        let expected = [words[0], words[1], 2, high, low, below, rest, 0, words[0], 7, words[1]];
        torn = (words != expected).then_some(words);
    }
    drop(stop);
    writer.join().unwrap();
    assert_eq!(torn, None, "after {} parts", numbers.len());
}
