//! Who may do what: by the session of an account, or by the token of the configuration.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::{HeaderMap, StatusCode, header};

use super::answer::Refused;
use super::client::Caller;
use super::guard::{Guard, Refusal};
use crate::action::By;
use crate::config::view::View;
use crate::people::{Deed, Role, Staff};

/// The cookie that has the id of a session.
pub const COOKIE: &str = "crosscheck";

pub struct Access {
    guard: Guard,
    /// None where nobody has an account: then everyone who reaches the page sees it.
    staff: Option<Arc<Staff>>,
}

impl Access {
    pub fn new(config: &View, staff: Option<Arc<Staff>>) -> Self {
        Self { guard: Guard::new(config), staff }
    }

    pub fn staff(&self) -> Option<&Arc<Staff>> {
        self.staff.as_ref()
    }

    /// Whether somebody may act without an account, by the token.
    pub fn has_token(&self) -> bool {
        self.guard.may_act()
    }

    pub fn answers_to(&self, host: Option<&str>) -> bool {
        self.guard.answers_to(host)
    }

    /// Who is logged in, if anybody is. To look is no sign of use: a page that is left open does not stay logged in by it.
    pub fn who(&self, headers: &HeaderMap) -> Option<(Arc<str>, Role)> {
        self.staff.as_ref()?.who(session(headers)?, Instant::now())
    }

    /// Whether a request may see what the page shows.
    pub fn sees(&self, from: IpAddr, headers: &HeaderMap) -> bool {
        let has_token = || headers.contains_key(header::AUTHORIZATION) && self.by_token(from, headers).is_ok();
        self.staff.is_none() || self.who(headers).is_some() || has_token()
    }

    /// Who does a deed, or the answer to whoever may not.
    pub fn may(&self, Caller { client, headers }: &Caller, deed: Deed) -> Result<By, Refused> {
        let from = client.address;
        let staff = self.staff.as_ref();
        let acting = session(headers).and_then(|id| staff?.acts(id, Instant::now()));
        let Some((name, role)) = acting else { return self.by_token(from, headers) };
        // A browser tells from which page it asks; the gate has compared that with the name of this view.
        if !headers.contains_key(header::ORIGIN) {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "the request does not tell from which page it comes (Origin)",
            ));
        }
        if !role.may(deed) {
            let needed = deed.needs().name();
            let why = format!("the role {} may not do this ({}): {needed} is needed", role.name(), deed.name());
            return Err(Refused::new(StatusCode::FORBIDDEN, why));
        }
        Ok(By::person(name, role, from))
    }

    fn by_token(&self, from: IpAddr, headers: &HeaderMap) -> Result<By, Refused> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if authorization.is_none() && self.staff.is_some() {
            return Err(nobody());
        }
        let (status, why) = match self.guard.admit(from, authorization) {
            Ok(()) => return Ok(By::token(from)),
            Err(Refusal::NoToken) => (
                StatusCode::FORBIDDEN,
                "this view is read-only: set view.accounts or view.token in the station's configuration to allow actions",
            ),
            Err(Refusal::Wrong) => {
                (StatusCode::UNAUTHORIZED, "the token is missing or wrong: Authorization: Bearer TOKEN")
            }
            Err(Refusal::TooOften) => {
                (StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens came from this address: wait a minute")
            }
        };
        Err(Refused::new(status, why))
    }
}

/// The answer to whoever has to log in before.
pub fn nobody() -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, "nobody is logged in: log in, at /login")
}

/// The id of the session that a request belongs to.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, id)| id).next()
}
