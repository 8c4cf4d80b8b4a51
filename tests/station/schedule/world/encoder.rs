//! The belt and its encoder, and what happens to its edges.

use super::{Happening, World};

/// What happens to the encoder's next edges.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Mishap {
    None,
    /// So many do not leave the encoder.
    Silent(u32),
    /// So many are seen by the kernel but not kept, of as many.
    Unkept(u32, u32),
    /// So many come too fast.
    Fast(u32),
}

impl World {
    /// An edge of the real belt.
    pub(super) fn edge(&mut self, at: u64) {
        self.count += 1;
        while let Some(&index) = self.underway.front()
            && self.parts[index].due_count <= self.count
        {
            self.parts[index].arrival = Some(at);
            self.underway.pop_front();
        }
        let report = |world: &mut Self, lost: u32| {
            world.known += u64::from(lost) + 1;
            world.schedule.encoder_edge(at, lost, world.now);
        };
        self.mishap = match self.mishap {
            Mishap::Silent(left) if left > 0 => Mishap::Silent(left - 1),
            Mishap::Unkept(left, of) if left > 0 => Mishap::Unkept(left - 1, of),
            Mishap::Unkept(_, of) => {
                report(self, of);
                Mishap::None
            }
            Mishap::Fast(left) if left > 0 => {
                report(self, 0);
                Mishap::Fast(left - 1)
            }
            _ => {
                report(self, 0);
                Mishap::None
            }
        };
        self.calm_edges = if self.mishap == Mishap::None { self.calm_edges + 1 } else { 0 };
        if self.is_counted() && self.count >= self.next_part_count && self.triggered < self.plan.parts {
            let (least, most) = self.plan.pitch;
            self.next_part_count = self.count + self.rng.u64(least..=most);
            let within = self.rng.u64(0..self.interval_ns * 3 / 4);
            self.happens(at + within, Happening::Trigger);
        }
        let pause = self.pause(at);
        self.happens(at + pause, Happening::Edge);
    }

    /// Time to the next edge.
    fn pause(&mut self, at: u64) -> u64 {
        let usual = self.plan.interval_ns;
        let wander = self.interval_ns * self.rng.u64(980..=1020) / 1000;
        self.interval_ns = wander.clamp(usual * 9 / 10, usual * 13 / 10);
        let stopped_ns = self.plan.settings.belt.map_or(0, |belt| belt.stopped_ns);
        if self.is_calm() && self.happened(|c| c.stop) {
            self.calm_edges = 0;
            let stop = self.rng.u64(3 * stopped_ns / 2..4 * stopped_ns);
            self.stops.push((at, at + stop));
            return self.interval_ns + stop;
        }
        let (few, many) = (self.rng.u32(1..=4), self.rng.u32(10..60));
        if self.is_calm() && self.happened(|c| c.encoder_missed) {
            self.begin(at, Mishap::Silent(few), u64::from(few + 4) * 2 * usual);
        } else if self.is_calm() && self.happened(|c| c.encoder_dead) {
            self.begin(at, Mishap::Silent(many), stopped_ns + 4 * usual);
        } else if self.is_calm() && self.happened(|c| c.edges_lost) {
            self.begin(at, Mishap::Unkept(few, few), u64::from(few + 1) * 2 * usual);
        } else if self.is_calm() && self.happened(|c| c.too_fast) {
            self.begin(at, Mishap::Fast(many), 0);
        }
        if matches!(self.mishap, Mishap::Fast(_)) { usual / 2 } else { self.interval_ns }
    }

    /// What comes between now and `blind_ns` from now cannot be known.
    fn begin(&mut self, at: u64, mishap: Mishap, blind_ns: u64) {
        self.mishap = mishap;
        self.calm_edges = 0;
        if blind_ns > 0 {
            self.blind.push((at, at + blind_ns));
        }
    }
}
