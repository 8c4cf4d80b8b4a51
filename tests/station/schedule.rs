//! The reject schedule against a simulated line: a virtual clock, random speeds, verdicts, losses and faults.

mod directed;
mod judge;
mod plan;
mod world;

use world::World;

/// Parts of all lines together.
const PARTS: u64 = 1_000_000;

#[test]
fn a_million_parts() {
    let mut seen = judge::Seen::default();
    let mut seed = 0;
    while seen.parts < PARTS {
        let mut world = World::new(seed);
        world.run();
        judge::judge(&mut world, &mut seen);
        seed += 1;
    }
    println!("{seed} lines: {seen:?}");
    // A simulation in which nothing happens proves nothing.
    for (what, count) in seen.all() {
        assert!(count > 20, "{what}: {count} in {seen:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_line() {
    let run = |seed| {
        let mut world = World::new(seed);
        world.run();
        (world.levels.clone(), *world.schedule.counters())
    };
    for seed in 0..8 {
        assert_eq!(run(seed), run(seed));
    }
}
