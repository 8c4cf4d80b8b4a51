//! Changes of the recipe, and holds of the output.

use crosscheck::reject::fault::Fault;

use super::super::plan::MS;
use super::{Happening, World};

impl World {
    /// Another recipe is asked for, or the output is held.
    pub(super) fn change(&mut self) {
        if !self.changing && self.happened(|c| c.recipe) {
            self.changing = true;
            self.recipe = *self.rng.choice(&self.plan.recipes).expect("there is one");
            self.schedule.change_recipe(self.recipe, self.now);
            self.changes.push((self.now, u64::MAX));
            let judges = self.now + self.rng.u64(0..300) * MS;
            self.happens(judges, Happening::Judges(self.recipe.number));
            let in_force = judges + self.rng.u64(1..50) * MS;
            self.happens(in_force, Happening::InForce);
        }
        if !self.held && self.happened(|c| c.hold) {
            self.held = true;
            self.schedule.raise(Fault::Held, self.now);
            self.changes.push((self.now, u64::MAX));
            let until = self.now + self.rng.u64(0..500) * MS;
            self.happens(until, Happening::Release);
        }
    }

    /// Everything that is on the belt when a change or a hold ends passes as a reject.
    pub(super) fn ends(&mut self, fault: Fault) {
        self.schedule.clear(fault, self.now);
        let over = self.changes.iter_mut().filter(|(_, until)| *until == u64::MAX);
        // With both under way, whichever ends first ends its own; the other has the same bound or a later one.
        over.take(1).for_each(|(_, until)| *until = self.now);
    }
}
