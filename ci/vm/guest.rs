//! What is shown inside the virtual machine. Everything that is slow is waited for; no time is taken for good or bad
//! but the width of a pulse, within what an emulated machine does to it.

use std::time::Duration;

use crate::belt::{Belt, DELAY_COUNTS, PULSE_MS};
use crate::chip::{Chip, Line};
use crate::service::{Service, hang};

/// From one part to the next, and by how much it varies: in step with the camera every part would be the same frame.
const PITCH_COUNTS: u64 = 160;
const PITCH_STEP_COUNTS: u64 = 13;
const PITCH_STEPS: u64 = 5;
/// The belt moves on until the last part is behind the ejector.
const CLEAR_COUNTS: u64 = DELAY_COUNTS + 80;
/// With more parts than this before their verdict the belt waits: an emulated machine may need seconds for one.
const UNJUDGED_MAX: u64 = 2;
/// A pulse is not shorter than it should be, but for the clock's own grain, and an emulated machine may end it late.
const WIDTH_SHARE_MIN: f64 = 0.98;
const WIDTH_SHARE_MAX: f64 = 3.0;

/// A running service on a running belt.
pub struct Rig {
    pub belt: Belt,
    pub service: Service,
}

impl Rig {
    pub fn start(name: &str) -> Self {
        let belt = Belt::start(Chip::plug_in());
        let service = Service::start(name);
        let rig = Self { belt, service };
        rig.wait_until_parts_may_pass();
        rig
    }

    fn wait_until_parts_may_pass(&self) {
        self.service.wait("ready output", || self.belt.level(Line::Ready) == Some(true));
        self.service.wait("output at pass", || self.belt.level(Line::Reject) == Some(true));
    }

    /// `count` parts, a pitch apart; where each was seen.
    fn parts(&self, count: usize) -> Vec<u64> {
        let next = || {
            let at = self.belt.part();
            let pitch = PITCH_COUNTS + at % PITCH_STEPS * PITCH_STEP_COUNTS;
            self.belt.advance(pitch.saturating_sub(self.belt.count() - at));
            at
        };
        (0..count).map(|_| next()).collect()
    }

    /// The same, no faster than they are judged.
    pub fn judged_parts(&self, count: usize) -> Vec<u64> {
        let mut parts = Vec::new();
        for announced in 1..=count as u64 {
            parts.extend(self.parts(1));
            self.wait_for_verdicts(announced.saturating_sub(UNJUDGED_MAX));
        }
        self.wait_for_verdicts(count as u64);
        parts
    }

    fn wait_for_verdicts(&self, wanted: u64) {
        self.belt.creep(true);
        let judged =
            || ["pass", "review", "reject", "unscored"].map(|name| self.service.count(name)).iter().sum::<u64>();
        self.service.wait("verdict", || judged() >= wanted);
        self.belt.creep(false);
    }

    fn all_rejected(&self, parts: &[u64]) {
        self.belt.advance(CLEAR_COUNTS);
        let passed: Vec<&u64> = parts.iter().filter(|at| !self.belt.was_rejected(**at)).collect();
        assert!(passed.is_empty(), "{passed:?} of {parts:?} passed\n{:?}\n{}", self.belt.edges(), self.service.log());
    }

    /// Each part's pulse is at its place in the order of the parts, has its width, and there is no other.
    /// Parts that passed have a verdict that lets them pass.
    pub fn all_as_judged(&self, parts: &[u64]) -> usize {
        self.belt.advance(CLEAR_COUNTS);
        let state = self.service.state();
        let history = state["history"].as_array().unwrap();
        assert_eq!(history.len(), parts.len(), "{state}");
        let mut pulses = self.belt.pulses_since(parts[0]).into_iter();
        let (mut rejected, mut late) = (0, Vec::new());
        for (at, judged) in parts.iter().zip(history) {
            if judged[2] == 0 {
                assert!(!self.belt.was_rejected(*at), "a good part was ejected: {judged} at {at}");
                continue;
            }
            rejected += 1;
            let (count, width) = pulses.next().unwrap_or_else(|| panic!("no pulse for {judged} at {at}"));
            late.push(count as i64 - (at + DELAY_COUNTS) as i64);
            assert!(
                Belt::window(*at).contains(&count),
                "{judged}, seen at {at}, has its pulse at {count}; counts late: {late:?}"
            );
            let share = |width: &Duration| width.as_secs_f64() * 1e3 / PULSE_MS as f64;
            let fits = share(width.end()) >= WIDTH_SHARE_MIN && share(width.start()) <= WIDTH_SHARE_MAX;
            assert!(fits, "a pulse of {width:?} where {PULSE_MS} ms are asked for");
        }
        assert_eq!(pulses.next(), None, "a pulse for no part");
        println!("pulses came so many counts after their parts: {late:?}");
        rejected
    }
}

fn parts_wanted() -> usize {
    std::fs::read_to_string("/share/parts").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(15)
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn every_part_is_ejected_or_not_as_it_was_judged() {
    let rig = Rig::start("station");
    let parts = rig.judged_parts(parts_wanted());
    let rejected = rig.all_as_judged(&parts);
    println!("{} parts, {rejected} rejected, each at its place", parts.len());
    assert!(rejected > 0 && rejected < parts.len(), "both kinds are needed to show anything: {rejected} rejected");
    assert_eq!(rig.service.count("parts"), parts.len() as u64);
    assert_eq!(rig.service.count("late"), 0);
    let status = rig.service.show("StatusText");
    assert!(status.contains("fps") || status.contains("frames/s"), "{status}");
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_hung_inspection_rejects_and_is_killed_and_restarted() {
    let rig = Rig::start("station");
    let restarts = rig.service.restarts();
    hang(rig.service.thread("inspection"));
    let parts = rig.parts(2);
    rig.all_rejected(&parts);
    rig.service.wait_for_restart(restarts);
    rig.wait_until_parts_may_pass();
    assert!(rig.service.log().contains("Watchdog timeout"), "{}", rig.service.log());
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_killed_service_rejects_until_it_is_back() {
    let rig = Rig::start("station");
    let restarts = rig.service.restarts();
    let part = rig.belt.part();
    rig.service.kill("SIGKILL");
    let parts = [vec![part], rig.parts(2)].concat();
    rig.all_rejected(&parts[..1]);
    rig.service.wait_for_restart(restarts);
    rig.wait_until_parts_may_pass();
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_stopped_service_leaves_the_output_at_reject() {
    let rig = Rig::start("station");
    let part = rig.belt.part();
    rig.service.stop();
    assert_eq!(rig.belt.level(Line::Reject), Some(false));
    assert_eq!(rig.belt.level(Line::Ready), Some(false));
    rig.all_rejected(&[part]);
    assert_eq!(rig.service.show("Result"), "success");
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_camera_that_ends_rejects() {
    let rig = Rig::start("ends");
    let restarts = rig.service.restarts();
    rig.service.wait("end of the recording", || rig.belt.level(Line::Reject) == Some(false));
    let part = rig.belt.part();
    rig.all_rejected(&[part]);
    rig.service.wait_for_restart(restarts);
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_full_disk_is_a_fault_and_the_line_goes_on() {
    let rig = Rig::start("full");
    let parts = rig.judged_parts(6);
    rig.all_as_judged(&parts);
    assert!(rig.service.faults().contains(&"disk_full".to_string()), "{}", rig.service.state());
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_chip_that_is_pulled_out_ends_the_service_until_it_is_back() {
    let rig = Rig::start("station");
    let restarts = rig.service.restarts();
    Chip::pull_out();
    rig.service.wait("end of the service", || {
        rig.service.restarts() > restarts || rig.service.show("SubState") == "auto-restart"
    });
    let Rig { belt, service } = rig;
    drop(belt);
    let rig = Rig { belt: Belt::start(Chip::plug_in()), service };
    rig.service.wait_for_restart(restarts);
    rig.wait_until_parts_may_pass();
    std::thread::sleep(Duration::from_secs(1));
    let parts = rig.judged_parts(2);
    rig.all_as_judged(&parts);
}
