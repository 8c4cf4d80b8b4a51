//! The people who may do something at a station: their accounts, what each role may, who is logged in, and how often a
//! wrong password or token may come.

mod accounts;
mod attempts;
mod password;
mod role;
mod sessions;
mod staff;

pub use accounts::{Account, Accounts, AccountsError};
pub use attempts::{Attempts, FAILED_MAX, FAILED_WITHIN, TooOften};
pub use role::{Deed, Role};
pub use sessions::{LASTS as SESSION_LASTS, Sessions};
pub use staff::{LogInError, Staff};
