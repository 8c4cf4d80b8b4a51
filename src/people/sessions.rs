//! Who is logged in. A session is known by an id that only its owner has; here is its hash alone, so that neither a copy of
//! the memory nor the time of a comparison gives an id away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::role::Role;
use crate::files::hex;

/// Number of people who may be logged in at once.
const SESSIONS_MAX: usize = 256;
/// A session ends after this time, a shift and a little more.
pub const LASTS: Duration = Duration::from_secs(12 * 3600);
/// It ends earlier if its owner has done nothing for this time.
const IDLE: Duration = Duration::from_secs(3600);
/// Random bytes of an id.
const ID_BYTES: usize = 32;

#[derive(Default)]
pub struct Sessions {
    open: Vec<Session>,
}

struct Session {
    id_sha256: [u8; 32],
    name: Arc<str>,
    role: Role,
    began: Instant,
    /// When its owner did something last.
    used: Instant,
}

impl Sessions {
    /// Begins a session, and returns its id: 64 hexadecimal digits. With as many as may be, the one that was idle longest
    /// ends. Fails where the system gives no random numbers.
    pub fn begin(&mut self, name: &str, role: Role, now: Instant) -> std::io::Result<String> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)?;
        let id = hex(&id);
        self.forget_ended(now);
        if self.open.len() >= SESSIONS_MAX {
            let idle = (0..self.open.len()).min_by_key(|i| self.open[*i].used);
            idle.map(|idle| self.open.swap_remove(idle));
        }
        self.open.push(Session { id_sha256: hash(&id), name: name.into(), role, began: now, used: now });
        Ok(id)
    }

    /// Whose session has this id. A page that asks for the state by itself does not keep a session alive by this.
    pub fn who(&self, id: &str, now: Instant) -> Option<(Arc<str>, Role)> {
        let session = self.open.iter().find(|session| session.id_sha256 == hash(id))?;
        (!session.has_ended(now)).then(|| (session.name.clone(), session.role))
    }

    /// The same for somebody who does something now: the session is not idle.
    pub fn acts(&mut self, id: &str, now: Instant) -> Option<(Arc<str>, Role)> {
        let who = self.who(id, now)?;
        self.open.iter_mut().filter(|session| session.id_sha256 == hash(id)).for_each(|session| session.used = now);
        Some(who)
    }

    pub fn end(&mut self, id: &str) {
        self.open.retain(|session| session.id_sha256 != hash(id));
    }

    pub fn end_all_of(&mut self, name: &str) {
        self.open.retain(|session| &*session.name != name);
    }

    fn forget_ended(&mut self, now: Instant) {
        self.open.retain(|session| !session.has_ended(now));
    }
}

impl Session {
    fn has_ended(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= LASTS || now.saturating_duration_since(self.used) >= IDLE
    }
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_session_is_its_owner_s_until_it_ends() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let anna = sessions.begin("anna", Role::Engineer, now).unwrap();
        let bert = sessions.begin("bert", Role::Viewer, now).unwrap();
        assert!(anna != bert && anna.len() == 64);
        assert_eq!(sessions.who(&anna, now), Some(("anna".into(), Role::Engineer)));
        assert_eq!(sessions.who("", now), None);
        sessions.end(&anna);
        assert_eq!(sessions.who(&anna, now), None);
        let again = [(); 2].map(|()| sessions.begin("anna", Role::Engineer, now).unwrap());
        sessions.end_all_of("anna");
        assert!(again.iter().all(|id| sessions.who(id, now).is_none()) && sessions.who(&bert, now).is_some());
    }

    #[test]
    fn a_session_ends_an_hour_after_the_last_deed_and_after_a_shift() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let id = sessions.begin("anna", Role::Operator, start).unwrap();
        // To look keeps nobody logged in.
        assert!(sessions.who(&id, start + 59 * MINUTE).is_some() && sessions.who(&id, start + 60 * MINUTE).is_none());
        for minutes in (0..720).step_by(30) {
            assert!(sessions.acts(&id, start + minutes * MINUTE).is_some(), "{minutes}");
        }
        assert!(sessions.acts(&id, start + 719 * MINUTE).is_some());
        assert!(sessions.acts(&id, start + 720 * MINUTE).is_none());
    }

    #[test]
    fn the_session_that_was_idle_longest_makes_room() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let ids: Vec<String> = (0..SESSIONS_MAX as u32)
            .map(|i| sessions.begin("anna", Role::Viewer, start + Duration::from_millis(i.into())).unwrap())
            .collect();
        let now = start + MINUTE;
        sessions.acts(&ids[0], now);
        sessions.begin("bert", Role::Viewer, now).unwrap();
        let open = ids.iter().filter(|id| sessions.who(id, now).is_some()).count();
        assert_eq!((open, sessions.open.len()), (SESSIONS_MAX - 1, SESSIONS_MAX));
        assert!(sessions.who(&ids[0], now).is_some() && sessions.who(&ids[1], now).is_none());
        // Those that have ended make room first.
        sessions.begin("carl", Role::Viewer, now + 60 * MINUTE).unwrap();
        assert_eq!(sessions.open.len(), 1);
    }
}
