//! How many parts the station judged, by the numbers in the names of those that it recorded.

use std::collections::BTreeMap;

use super::index::{EngineId, Index};
use crate::dataset::recording;

/// One start of a station: from the oldest to the newest number that it recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    first: u64,
    last: u64,
    /// The engine of all its records; none where there are several.
    engine: Option<EngineId>,
}

/// The starts of a station that a recording has parts of.
#[derive(Default)]
pub struct Judged {
    sessions: BTreeMap<u64, Session>,
}

impl Judged {
    /// What all parts of an index were judged in. Names of earlier versions do not tell.
    pub fn of(index: &mut Index) -> Self {
        let mut judged = Self::default();
        for at in 0..index.len() {
            if let (Some((session, part)), Some(facts)) = (recording::numbers_of(index.name(at)), index.facts(at)) {
                judged.add(session, part, facts.engine);
            }
        }
        judged
    }

    fn add(&mut self, session: u64, part: u64, engine: EngineId) {
        let new = Session { first: part, last: part, engine: Some(engine) };
        let known = self.sessions.entry(session).or_insert(new);
        (known.first, known.last) = (known.first.min(part), known.last.max(part));
        known.engine = known.engine.filter(|known| *known == engine);
    }

    /// The parts between the oldest and the newest recorded one of each start, these two included.
    pub fn parts(&self) -> u64 {
        self.sessions.values().map(Session::parts).fold(0, u64::saturating_add)
    }

    /// Leaves those starts in which one engine judged all recorded parts.
    pub fn by(mut self, engine: EngineId) -> Self {
        self.sessions.retain(|_, session| session.engine == Some(engine));
        self
    }

    /// Whether the part of a name is counted.
    pub fn has(&self, name: &str) -> bool {
        recording::session_of(name).is_some_and(|session| self.sessions.contains_key(&session))
    }
}

impl Session {
    fn parts(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_start_by_start() {
        let (a, b) = (EngineId::of("aa"), EngineId::of("bb"));
        let mut judged = Judged::default();
        for (session, part, engine) in
            [(1, 7, a), (1, 3, a), (2, 40, a), (2, 49, b), (3, 5, b), (9, 0, a), (9, u64::MAX, a)]
        {
            judged.add(session, part, engine);
        }
        assert_eq!(judged.parts(), u64::MAX);
        judged.sessions.remove(&9);
        assert_eq!(judged.parts(), 5 + 10 + 1);
        let judged = judged.by(a);
        assert_eq!(judged.parts(), 5);
        assert!(judged.has(&recording::name(1, 999)) && !judged.has(&recording::name(2, 40)) && !judged.has("x"));
    }
}
