//! Where the parts really are.

use crosscheck::reject::plan::Delay;

use super::World;

impl World {
    /// When each part really is before the ejector.
    pub fn arrivals(&mut self) {
        let mut first = 0;
        for part in &mut self.parts {
            let Delay::Time { delay_ns, .. } = part.recipe.delay else { return };
            // The belt stood still for the part after it was announced.
            while self.stops.get(first).is_some_and(|(from, _)| *from < part.at) {
                first += 1;
            }
            let mut arrival = part.at + delay_ns;
            for (from, to) in &self.stops[first..] {
                arrival += if *from < arrival { to - from } else { 0 };
            }
            part.arrival = Some(arrival);
        }
    }
}
