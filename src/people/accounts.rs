//! The file of the accounts: names, roles, and hashes of passwords.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::password::Hashed;
use super::role::Role;
use crate::config::view::Secret;
use crate::files::write_whole;
use crate::ownership::{OwnershipError, check_mode};
use crate::text::{self, TextError};
use crate::toml_errors;

/// Largest file: an account takes some 200 bytes.
const BYTES_MAX: u64 = 256 << 10;
const ACCOUNTS_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 32;
/// Of a new file; one that is there keeps its owner and its group, who may go on to read it.
const MODE: u32 = 0o600;
const GROUP_READS: u32 = 0o040;
const OTHERS_READ: u32 = 0o004;

#[derive(Debug, Error)]
pub enum AccountsError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Writable(#[from] OwnershipError),
    #[error("{}, line {line}: {reason}", path.display())]
    Parse { path: PathBuf, line: usize, reason: String },
    #[error("{} is not valid: {reason}", path.display())]
    Invalid { path: PathBuf, reason: String },
    #[error(
        "{name:?} came where a name is expected: 1 to {NAME_BYTES_MAX} letters from a to z, digits, dots, underscores and hyphens"
    )]
    Name { name: String },
    #[error("{0}")]
    Password(String),
    #[error("{} has an account {name} already: change its password, or remove it first", path.display())]
    Taken { path: PathBuf, name: String },
    #[error("{} has {ACCOUNTS_MAX} accounts, which is as many as it may have: remove one first", path.display())]
    Full { path: PathBuf },
    #[error("{} has no account {name}: it has {known}", path.display())]
    Unknown { path: PathBuf, name: String, known: String },
    #[error("cannot hash the password: {0}")]
    Hash(io::Error),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// The accounts of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Accounts {
    path: PathBuf,
    all: Vec<Account>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub name: String,
    pub role: Role,
    password: Hashed,
}

/// As the file has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(default)]
    account: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    role: Role,
    // A password that stands there without its quotes is not shown.
    password: Secret,
}

#[derive(Serialize)]
struct Written<'a> {
    account: Vec<WrittenEntry<'a>>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    name: &'a str,
    role: Role,
    password: &'a str,
}

impl Accounts {
    /// Reads a file. One that others than its owner may write is refused.
    pub fn read(path: &Path) -> Result<Self, AccountsError> {
        let failed = |source| TextError::Read { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        check_mode(path, &file.metadata().map_err(failed)?)?;
        Self::parse(&text::read_file(&file, path, BYTES_MAX)?, path)
    }

    /// Reads a file; no accounts where it is not there yet.
    pub fn read_or_begin(path: &Path) -> Result<Self, AccountsError> {
        match Self::read(path) {
            Err(AccountsError::Text(TextError::Read { source, .. })) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Self { path: path.into(), all: Vec::new() })
            }
            read => read,
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, AccountsError> {
        let Listed { account } = toml::from_str(text).map_err(|error| {
            let (line, reason) = toml_errors::explain(&error, text);
            AccountsError::Parse { path: path.into(), line, reason }
        })?;
        let invalid = |reason| AccountsError::Invalid { path: path.into(), reason };
        let mut accounts = Self { path: path.into(), all: Vec::new() };
        for Entry { name, role, password } in account {
            check_name(&name).map_err(|error| invalid(error.to_string()))?;
            let password = Hashed::parse(password.reveal()).map_err(|reason| {
                invalid(format!(
                    "the password of {name} is no hash that can be used: {reason}; make one with `crosscheck account password`"
                ))
            })?;
            accounts.insert(Account { name, role, password })?;
        }
        Ok(accounts)
    }

    fn insert(&mut self, account: Account) -> Result<(), AccountsError> {
        self.check_free(&account.name)?;
        self.all.push(account);
        Ok(())
    }

    /// Names that differ by capital letters alone would be taken for one person in the audit.
    fn check_free(&self, name: &str) -> Result<(), AccountsError> {
        if self.all.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(AccountsError::Taken { path: self.path.clone(), name: name.into() });
        }
        match self.all.len() >= ACCOUNTS_MAX {
            true => Err(AccountsError::Full { path: self.path.clone() }),
            false => Ok(()),
        }
    }

    /// Refuses a name that [`Accounts::add`] would refuse, before a password is asked for.
    pub fn check_new(&self, name: &str) -> Result<(), AccountsError> {
        check_name(name)?;
        self.check_free(name)
    }

    /// Adds an account; the file is not written yet.
    pub fn add(&mut self, name: &str, role: Role, password: &str) -> Result<(), AccountsError> {
        check_name(name)?;
        self.insert(Account { name: name.into(), role, password: hashed(password)? })
    }

    /// Gives an account another password; the file is not written yet.
    pub fn set_password(&mut self, name: &str, password: &str) -> Result<(), AccountsError> {
        let at = self.find(name)?;
        self.all[at].password = hashed(password)?;
        Ok(())
    }

    /// Removes an account; the file is not written yet.
    pub fn remove(&mut self, name: &str) -> Result<(), AccountsError> {
        let at = self.find(name)?;
        self.all.remove(at);
        Ok(())
    }

    /// Where an account stands.
    pub fn find(&self, name: &str) -> Result<usize, AccountsError> {
        self.all.iter().position(|account| account.name == name).ok_or_else(|| AccountsError::Unknown {
            path: self.path.clone(),
            name: name.into(),
            known: match &self.all[..] {
                [] => "none".into(),
                all => all.iter().map(|account| account.name.as_str()).collect::<Vec<_>>().join(", "),
            },
        })
    }

    pub fn all(&self) -> &[Account] {
        &self.all
    }

    /// Writes the file whole or not at all.
    pub fn write(&self) -> Result<(), AccountsError> {
        let failed = |source| AccountsError::Write { path: self.path.clone(), source };
        let account = self.all.iter().map(|account| WrittenEntry {
            name: &account.name,
            role: account.role,
            password: account.password.text(),
        });
        let text = toml::to_string(&Written { account: account.collect() }).map_err(|e| failed(io::Error::other(e)))?;
        let before = std::fs::metadata(&self.path).ok();
        write_whole(&self.path, |file| {
            // Before a byte is written.
            match &before {
                None => file.permit(MODE, None)?,
                Some(before) => {
                    let mode = MODE | before.permissions().mode() & GROUP_READS;
                    file.permit(mode, Some((before.uid(), before.gid())))?;
                }
            }
            file.write_all(text.as_bytes())
        })
        .map_err(failed)
    }

    /// The account of this name and password. An unknown name takes the same time as a wrong password.
    pub fn account(&self, name: &str, password: &str) -> Option<&Account> {
        let Some(account) = self.all.iter().find(|account| account.name == name) else {
            Hashed::is_of_nobody(password);
            return None;
        };
        account.password.is_of(password).then_some(account)
    }

    /// Says that others may read the hashes of a file, and with much time guess the passwords.
    pub fn exposure(path: &Path) -> Option<String> {
        let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
        (mode & OTHERS_READ != 0).then(|| {
            format!(
                "every user of this machine may read {0} (mode {mode:03o}), and with time guess passwords by their hashes: chmod 640 {0}, or 600",
                path.display()
            )
        })
    }
}

fn hashed(password: &str) -> Result<Hashed, AccountsError> {
    match Hashed::refuses(password) {
        Some(why) => Err(AccountsError::Password(why)),
        None => Hashed::of(password).map_err(AccountsError::Hash),
    }
}

fn check_name(name: &str) -> Result<(), AccountsError> {
    let is_good = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_good { Ok(()) } else { Err(AccountsError::Name { name: name.chars().take(2 * NAME_BYTES_MAX).collect() }) }
}

/// Whether this can be the name of an account.
pub fn is_name(name: &str) -> bool {
    check_name(name).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;

    const PASSWORD: &str = "correct horse";

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn accounts_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.toml");
        let mut accounts = Accounts::read_or_begin(&path).unwrap();
        accounts.add("anna", Role::Engineer, PASSWORD).unwrap();
        accounts.add("b.c_d-1", Role::Viewer, "another horse").unwrap();
        accounts.write().unwrap();
        assert_eq!((Accounts::read(&path).unwrap(), mode(&path)), (accounts.clone(), 0o600));
        assert_eq!(accounts.account("anna", PASSWORD).map(|account| account.role), Some(Role::Engineer));
        for (name, password) in [("anna", "another horse"), ("Anna", PASSWORD), ("nobody", PASSWORD), ("", "")] {
            assert_eq!(accounts.account(name, password), None, "{name}");
        }
        accounts.set_password("anna", "a third horse").unwrap();
        assert!(accounts.account("anna", PASSWORD).is_none() && accounts.account("anna", "a third horse").is_some());
        accounts.remove("b.c_d-1").unwrap();
        let unknown = accounts.remove("b.c_d-1").unwrap_err().to_string();
        assert!(unknown.contains("no account b.c_d-1: it has anna"), "{unknown}");
        assert!(matches!(accounts.add("ANNA", Role::Viewer, PASSWORD), Err(AccountsError::Taken { .. })));
        assert!(matches!(accounts.add("carl", Role::Viewer, "short"), Err(AccountsError::Password(_))));
        // The group of the service goes on to read the file.
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(Accounts::exposure(&path).unwrap().contains("mode 644"));
        accounts.write().unwrap();
        assert_eq!((mode(&path), Accounts::exposure(&path)), (0o640, None));
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.toml");
        std::fs::write(&path, "").unwrap();
        for (others, is_refused) in [(0o600, false), (0o640, false), (0o644, false), (0o660, true), (0o602, true)] {
            set_permissions(&path, Permissions::from_mode(others)).unwrap();
            assert_eq!(Accounts::read(&path).is_err(), is_refused, "{others:o}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_shown() {
        let path = Path::new("accounts.toml");
        let hash = hashed(PASSWORD).unwrap();
        let entry = |name: &str, role: &str, password: &str| {
            format!("[[account]]\nname = \"{name}\"\nrole = \"{role}\"\npassword = {password}\n")
        };
        let quoted = format!("{:?}", hash.text());
        let good = entry("anna", "operator", &quoted);
        assert_eq!(Accounts::parse(&good, path).unwrap().all().len(), 1);
        let many: String = (0..=ACCOUNTS_MAX).map(|i| entry(&format!("a{i}"), "viewer", &quoted)).collect();
        for (text, words) in [
            (
                entry("anna", "boss", &quoted),
                "unknown variant `boss`, expected one of `viewer`, `operator`, `engineer`",
            ),
            (good.replace("role", "rôle"), "line 3"),
            (good.clone() + "email = \"a@b\"\n", "unknown field `email`"),
            (good.clone() + &entry("Anna", "viewer", &quoted), "has an account Anna already"),
            (entry("anna b", "viewer", &quoted), "\"anna b\" came where a name is expected"),
            (entry("", "viewer", &quoted), "\"\" came where a name"),
            (entry(&"a".repeat(33), "viewer", &quoted), "came where a name"),
            (entry("anna", "viewer", "\"correct horse\""), "the password of anna is no hash that can be used"),
            (entry("anna", "viewer", "1234567890"), "text in quotes"),
            (many, "has 256 accounts"),
        ] {
            let error = Accounts::parse(&text, path).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("accounts.toml"), "{words}: {error}");
            assert!(
                !error.contains("horse")
                    && !error.contains("1234567890")
                    && !error.contains(hash.text().split_at(30).1),
                "{error}"
            );
        }
    }
}
