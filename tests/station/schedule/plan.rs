//! A random line: its settings and everything that will go wrong on it.

use crosscheck::reject::belt::BeltSettings;
use crosscheck::reject::plan::{Delay, RejectPlan, RejectRecipe};
use fastrand::Rng;

pub const MS: u64 = 1_000_000;
/// The actuator acts at most this long after it should, unless it is stalled.
pub const JITTER_NS: u64 = 60_000;

pub struct Plan {
    pub settings: RejectPlan,
    /// What the line may change to; the first is what it starts with.
    pub recipes: Vec<RejectRecipe>,
    /// From one count to the next at the usual speed.
    pub interval_ns: u64,
    /// Parts are this far apart: least and most, nanoseconds or counts.
    pub pitch: (u64, u64),
    pub parts: usize,
    /// Share of parts with an accept, and how many of these come at a random time instead of early.
    pub accept_share: f64,
    pub careless_share: f64,
    pub chances: Chances,
}

/// How likely each mishap is: per part, those of the belt per edge.
#[derive(Default)]
pub struct Chances {
    pub stall: f64,
    pub camera_lost: f64,
    pub bounce: f64,
    pub confirm_lost: f64,
    // Of the belt.
    pub stop: f64,
    pub encoder_missed: f64,
    pub encoder_dead: f64,
    pub edges_lost: f64,
    pub too_fast: f64,
    pub recipe: f64,
    pub hold: f64,
}

impl Plan {
    pub fn draw(rng: &mut Rng) -> Self {
        let counted = rng.bool();
        let pulse_ns = rng.u64(5..40) * MS;
        let mut settings = RejectPlan {
            recipe: 0,
            delay: Delay::Time { delay_ns: 0, lead_ns: 0 },
            pulse_ns,
            gap_ns: rng.u64(0..20) * MS,
            merge: rng.f64() < 0.8,
            age_ns_max: 600_000 * MS,
            late_ns_max: rng.u64(1..5) * MS,
            debounce_ns: rng.u64(0..2) * MS,
            confirm_ns_max: rng.bool().then_some(200 * MS),
            belt: None,
            pitch_counts: None,
        };
        let interval_ns = rng.u64(1..5) * MS;
        let belt = BeltSettings { interval_ns_min: interval_ns * 3 / 4, stopped_ns: 30 * MS, missing_pulses: true };
        // Dense lines have more parts on the way than the schedule can hold.
        let on_the_way = if rng.f64() < 0.05 { rng.u64(250..400) } else { rng.u64(1..40) };
        let pitch = if counted {
            let pitch = (rng.u64(3..8), rng.u64(10..40));
            let delay = (on_the_way * (pitch.0 + pitch.1) / 2).max(60);
            settings.delay = Delay::Counts { delay, lead: rng.u64(1..delay / 2) };
            settings.belt = Some(belt);
            let travel = delay * interval_ns;
            settings.age_ns_max = if rng.f64() < 0.3 { travel + rng.u64(20..200) * MS } else { settings.age_ns_max };
            pitch
        } else {
            let pitch = (rng.u64(3..50) * MS, rng.u64(60..150) * MS);
            let delay_ns = (on_the_way * (pitch.0 + pitch.1) / 2).max(150 * MS);
            settings.delay = Delay::Time { delay_ns, lead_ns: rng.u64(1..delay_ns / 2) };
            settings.belt = rng.bool().then_some(belt);
            pitch
        };
        let careless_share = rng.f64() * 0.3;
        // On sparse lines there is often a single part, or none, between camera and ejector.
        let sparse = rng.f64() < 0.15;
        let pitch = if sparse { (pitch.0 * 10, pitch.1 * 10) } else { pitch };
        let parts = if sparse { 200 } else { rng.usize(500..3_000) };
        let mut chances = if rng.f64() < 0.2 { Chances::default() } else { Chances::draw(rng, counted, &settings) };
        chances.stop *= if sparse { 20.0 } else { 1.0 };
        let recipes = recipes(rng, &settings);
        Self {
            settings,
            recipes,
            interval_ns,
            pitch,
            parts,
            accept_share: 0.5 + 0.5 * rng.f64(),
            careless_share,
            chances,
        }
    }

    /// Whether nothing goes wrong on this line.
    pub fn is_calm(&self) -> bool {
        let Chances { stall, camera_lost, confirm_lost, stop, recipe, hold, .. } = self.chances;
        stall + camera_lost + confirm_lost + stop + recipe + hold == 0.0
    }

    /// The shortest and the longest pulse of the recipes.
    pub fn pulses_ns(&self) -> (u64, u64) {
        let pulses = || self.recipes.iter().map(|recipe| recipe.pulse_ns);
        (pulses().min().unwrap_or_default(), pulses().max().unwrap_or_default())
    }
}

/// The recipe of `settings`, and others with ways of half to twice the length.
fn recipes(rng: &mut Rng, settings: &RejectPlan) -> Vec<RejectRecipe> {
    let first = RejectRecipe { number: settings.recipe, delay: settings.delay, pulse_ns: settings.pulse_ns };
    let others = (1..4).map(|number| {
        let share = rng.u64(50..200);
        let delay = match settings.delay {
            Delay::Time { delay_ns, lead_ns } => {
                Delay::Time { delay_ns: delay_ns * share / 100, lead_ns: lead_ns * share / 100 }
            }
            Delay::Counts { delay, lead } => Delay::Counts { delay: delay * share / 100, lead: lead * share / 100 },
        };
        RejectRecipe { number, delay, pulse_ns: settings.pulse_ns * rng.u64(50..200) / 100 }
    });
    std::iter::once(first).chain(others).collect()
}

impl Chances {
    fn draw(rng: &mut Rng, counted: bool, settings: &RejectPlan) -> Self {
        let mut chance = |is_possible: bool| if is_possible { 1e-4 + 3e-3 * rng.f64() } else { 0.0 };
        Self {
            stall: chance(true),
            camera_lost: chance(true),
            bounce: chance(settings.debounce_ns > 0),
            confirm_lost: chance(settings.confirm_ns_max.is_some()),
            stop: chance(settings.belt.is_some()) / 20.0,
            encoder_missed: chance(counted) / 20.0,
            encoder_dead: chance(counted) / 20.0,
            edges_lost: chance(counted) / 20.0,
            too_fast: chance(counted) / 20.0,
            recipe: chance(true),
            hold: chance(true),
        }
    }
}
