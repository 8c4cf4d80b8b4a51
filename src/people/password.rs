//! Passwords as they are kept: argon2id, so that each guess takes memory and time.

use std::io;

use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

/// Longest password that is looked at.
const BYTES_MAX: usize = 1024;
/// Fewest characters of a new password.
const CHARACTERS_MIN: usize = 10;
/// What OWASP recommends: KiB of memory, passes, lanes.
const COST: [u32; 3] = [19_456, 2, 1];
/// The least memory that OWASP accepts, and more than any station has to spare for one log-in.
const MEMORY_KIB: std::ops::RangeInclusive<u32> = 7_168..=262_144;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;
const SALT_BYTES: usize = 16;
/// The hash of a password that nobody knows, at the same cost as every other.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Q3Jvc3NjaGVja05vYm9keQ$eCVt0gPMvRYl43vGYKAbMmCm3sBFm5JeGuBvlSqNxCo";

/// A password's hash, as a text in the format of the password-hashing competition (PHC). It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hashed(String);

impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(set)")
    }
}

impl Hashed {
    /// Says what is wrong with a new password; none if it may be one.
    pub fn refuses(password: &str) -> Option<String> {
        let characters = password.chars().count();
        if characters < CHARACTERS_MIN {
            return Some(format!(
                "the password has {characters} characters where at least {CHARACTERS_MIN} are expected"
            ));
        }
        (password.len() > BYTES_MAX).then(|| format!("the password has more than {BYTES_MAX} bytes"))
    }

    pub fn of(password: &str) -> io::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let failed = |error: argon2::password_hash::Error| io::Error::other(error.to_string());
        let salt = SaltString::encode_b64(&salt).map_err(failed)?;
        let [memory, passes, lanes] = COST;
        let params = Params::new(memory, passes, lanes, None).map_err(|error| io::Error::other(error.to_string()))?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self(hasher.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string()))
    }

    /// Reads a hash. The error says what is wrong with it, and shows nothing of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let hash = PasswordHash::new(text).map_err(|_| "it is no hash, such as $argon2id$v=19$...".to_string())?;
        if hash.algorithm != ARGON2ID_IDENT || hash.version != Some(19) {
            return Err("it is a hash of another kind than argon2id, version 19".into());
        }
        let params = Params::try_from(&hash).map_err(|error| format!("its parameters are wrong: {error}"))?;
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err("it lacks its salt or its end".into());
        }
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        if !MEMORY_KIB.contains(&memory) || passes > PASSES_MAX || lanes > LANES_MAX {
            return Err(format!(
                "it has m={memory}, t={passes}, p={lanes} where m from {} to {}, t up to {PASSES_MAX} and p up to {LANES_MAX} are expected",
                MEMORY_KIB.start(),
                MEMORY_KIB.end()
            ));
        }
        Ok(Self(text.into()))
    }

    pub fn is_of(&self, password: &str) -> bool {
        is_of(&self.0, password)
    }

    /// Takes as long as [`Hashed::is_of`], so that nobody learns by the time which names there are.
    pub fn is_of_nobody(password: &str) {
        is_of(NOBODY, password);
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

fn is_of(hash: &str, password: &str) -> bool {
    if password.len() > BYTES_MAX {
        return false;
    }
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let hashed = Hashed::of("correct horse").unwrap();
        assert!(hashed.is_of("correct horse") && !hashed.is_of("correct horsf") && !hashed.is_of(""));
        assert!(!hashed.is_of(&"a".repeat(BYTES_MAX + 1)));
        assert!(Hashed::of("correct horse").unwrap() != hashed, "the salt is another");
        assert_eq!(format!("{hashed:?}"), "(set)");
    }

    // A name that is unknown must take as long as one that is known.
    #[test]
    fn the_hash_of_nobody_costs_what_every_other_costs() {
        let cost = |text: &str| Params::try_from(&PasswordHash::new(text).unwrap()).unwrap();
        let own = Hashed::of("correct horse").unwrap();
        assert_eq!(cost(Hashed::parse(NOBODY).unwrap().text()), cost(own.text()));
    }

    #[test]
    fn a_hash_that_is_none_or_too_weak_is_refused_without_being_shown() {
        let good = Hashed::of("correct horse").unwrap().text().to_string();
        Hashed::parse(&good).unwrap();
        for (wrong, words) in [
            ("correct horse".to_string(), "no hash"),
            (good.replace("argon2id", "argon2i"), "another kind"),
            (good.replace("v=19", "v=16"), "another kind"),
            (good.replace("m=19456", "m=64"), "m=64"),
            (good.replace("m=19456", "m=4000000"), "m=4000000"),
            (good.replace("t=2", "t=1000"), "t=1000"),
            (good.rsplit_once('$').unwrap().0.to_string(), "lacks"),
        ] {
            let error = Hashed::parse(&wrong).unwrap_err();
            assert!(error.contains(words), "{wrong}: {error}");
            assert!(!error.contains("horse") && !error.contains(good.rsplit('$').next().unwrap()), "{error}");
        }
    }

    #[test]
    fn a_short_password_is_refused() {
        assert!(Hashed::refuses("123456789").unwrap().contains("9 characters where at least 10"));
        assert_eq!(Hashed::refuses("äöüäöüäöüä"), None);
        assert!(Hashed::refuses(&"a".repeat(BYTES_MAX + 1)).is_some());
    }
}
