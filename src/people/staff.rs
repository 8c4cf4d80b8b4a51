//! The people of a running station: who may log in, and who has.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use thiserror::Error;

use super::accounts::{Account, Accounts, AccountsError, is_name};
use super::attempts::{Attempts, FAILED_MAX, FAILED_WITHIN, TooOften};
use super::role::Role;
use super::sessions::Sessions;
use crate::locked::locked;

/// Number of addresses and of names that are remembered for their failures.
const ADDRESSES_MAX: usize = 64;
const NAMES_MAX: usize = 256;

#[derive(Debug, Error)]
pub enum LogInError {
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("{FAILED_MAX} log-ins failed within a minute, from this address or by this name: wait a minute")]
    TooOften,
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] std::io::Error),
}

/// Shared by those who let people in and those who read the accounts again.
pub struct Staff {
    path: PathBuf,
    accounts: Mutex<Arc<Accounts>>,
    sessions: Mutex<Sessions>,
    addresses: Attempts<IpAddr>,
    names: Attempts<String>,
}

impl Staff {
    pub fn open(path: &Path) -> Result<Self, AccountsError> {
        Ok(Self {
            path: path.into(),
            accounts: Mutex::new(Arc::new(Accounts::read(path)?)),
            sessions: Mutex::default(),
            addresses: Attempts::new(ADDRESSES_MAX),
            names: Attempts::new(NAMES_MAX),
        })
    }

    /// Begins a session, and returns its id. It takes some 20 ms and 19 MiB for the password; one log-in is looked at at a
    /// time.
    pub fn log_in(&self, name: &str, password: &str, from: IpAddr, now: Instant) -> Result<(String, Role), LogInError> {
        let accounts = locked(&self.accounts).clone();
        let mut is_locked = false;
        let by_name = || {
            // What is no name can be nobody's, and is not remembered.
            if !is_name(name) {
                return accounts.account(name, password);
            }
            let made = self.names.make(name.to_string(), now, || accounts.account(name, password));
            is_locked = made.is_err();
            made.ok()?.ok()
        };
        let account = match self.addresses.make(from, now, by_name) {
            Err(TooOften) => return Err(LogInError::TooOften),
            Ok(Err(failures)) => {
                if failures == 1 {
                    log::warn!("a log-in from {from} failed");
                } else if failures == FAILED_MAX {
                    log::warn!("{failures} log-ins from {from} failed: further ones are refused for {FAILED_WITHIN:?}");
                }
                return Err(if is_locked { LogInError::TooOften } else { LogInError::Wrong });
            }
            Ok(Ok(account)) => account,
        };
        self.begin(account, now)
    }

    /// Begins the session of an account, unless it was changed or removed meanwhile.
    fn begin(&self, account: &Account, now: Instant) -> Result<(String, Role), LogInError> {
        let mut sessions = locked(&self.sessions);
        if !locked(&self.accounts).all().contains(account) {
            return Err(LogInError::Wrong);
        }
        Ok((sessions.begin(&account.name, account.role, now)?, account.role))
    }

    /// Whose session has this id ([`Sessions::who`]).
    pub fn who(&self, id: &str, now: Instant) -> Option<(Arc<str>, Role)> {
        locked(&self.sessions).who(id, now)
    }

    /// The same for somebody who does something ([`Sessions::acts`]).
    pub fn acts(&self, id: &str, now: Instant) -> Option<(Arc<str>, Role)> {
        locked(&self.sessions).acts(id, now)
    }

    pub fn log_out(&self, id: &str) {
        locked(&self.sessions).end(id);
    }

    /// Reads the file again; nothing changes yet.
    pub fn read(&self) -> Result<Accounts, AccountsError> {
        Accounts::read(&self.path)
    }

    /// Takes over what was read. Whoever has another role or password now, or no account any more, is logged out.
    pub fn replace(&self, accounts: Accounts) {
        let mut sessions = locked(&self.sessions);
        let before = std::mem::replace(&mut *locked(&self.accounts), Arc::new(accounts));
        let now = locked(&self.accounts).clone();
        before.all().iter().filter(|account| !now.all().contains(account)).for_each(|account| {
            sessions.end_all_of(&account.name);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse";

    /// A station with two accounts.
    fn staff() -> (tempfile::TempDir, Staff) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.toml");
        let mut accounts = Accounts::read_or_begin(&path).unwrap();
        accounts.add("anna", Role::Engineer, PASSWORD).unwrap();
        accounts.add("bert", Role::Operator, PASSWORD).unwrap();
        accounts.write().unwrap();
        (folder, Staff::open(&path).unwrap())
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn whoever_logs_in_is_known_until_they_log_out() {
        let ((_folder, staff), now) = (staff(), Instant::now());
        let (id, role) = staff.log_in("anna", PASSWORD, address(1), now).unwrap();
        assert_eq!((role, staff.who(&id, now)), (Role::Engineer, Some(("anna".into(), Role::Engineer))));
        assert_eq!(staff.acts(&id, now), staff.who(&id, now));
        staff.log_out(&id);
        assert_eq!(staff.who(&id, now), None);
    }

    #[test]
    fn guesses_are_limited_by_address_and_by_name() {
        let ((_folder, staff), now) = (staff(), Instant::now());
        let log_in = |name: &str, password: &str, last| staff.log_in(name, password, address(last), now);
        // From as many addresses.
        for last in 1..=FAILED_MAX as u8 {
            assert!(matches!(log_in("anna", "wrong horse", last), Err(LogInError::Wrong)), "{last}");
        }
        assert!(matches!(log_in("anna", PASSWORD, 99), Err(LogInError::TooOften)));
        assert!(log_in("bert", PASSWORD, 99).is_ok());
        // From one address, by whatever names.
        for i in 0..FAILED_MAX {
            assert!(matches!(log_in(&"?".repeat(i as usize), "wrong horse", 50), Err(LogInError::Wrong)));
        }
        assert!(matches!(log_in("bert", PASSWORD, 50), Err(LogInError::TooOften)));
        assert!(staff.log_in("anna", PASSWORD, address(50), now + FAILED_WITHIN).is_ok());
    }

    #[test]
    fn an_account_that_is_changed_logs_its_owner_out_and_no_other() {
        let ((_folder, staff), now) = (staff(), Instant::now());
        let [anna, bert] = ["anna", "bert"].map(|name| staff.log_in(name, PASSWORD, address(1), now).unwrap().0);
        let mut accounts = staff.read().unwrap();
        staff.replace(accounts.clone());
        assert!(staff.who(&anna, now).is_some() && staff.who(&bert, now).is_some());
        accounts.set_password("bert", "another horse").unwrap();
        staff.replace(accounts);
        assert!(staff.who(&anna, now).is_some() && staff.who(&bert, now).is_none());
        assert!(matches!(staff.log_in("bert", PASSWORD, address(1), now), Err(LogInError::Wrong)));
        assert!(staff.log_in("bert", "another horse", address(1), now).is_ok());
    }
}
