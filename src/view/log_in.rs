//! Log-in and log-out of people who have an account.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::access::{COOKIE, session};
use super::answer::{beside, found, text};
use super::client::{Caller, Client};
use super::page::Page;
use crate::action::By;
use crate::audit::{Entry, What};
use crate::people::{Deed, LogInError, Role, SESSION_LASTS, Staff};

/// What a person gives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    password: String,
}

/// Begins a session.
#[utoipa::path(post, path = "/login", tag = "people",
    request_body(content = String, content_type = "application/json", description = "an object with `name` and `password`"),
    responses(
        (status = 200, description = "logged in; the cookie of the answer is the session"),
        (status = 401, description = "the name or the password is wrong"),
        (status = 404, description = "the station has no accounts"),
        (status = 429, description = "ten log-ins failed within a minute, from this address or by this name")))]
pub async fn log_in(State(page): State<Arc<Page>>, Extension(client): Extension<Client>, body: Bytes) -> Response {
    let Some(staff) = page.access.staff().cloned() else {
        return text(StatusCode::NOT_FOUND, "this station has no accounts: view.accounts names their file");
    };
    let Ok(given) = serde_json::from_slice::<Given>(&body) else {
        return text(StatusCode::BAD_REQUEST, "an object with the texts name and password is expected, as JSON");
    };
    beside(move || begin(&page, &staff, &client, &given)).await
}

fn begin(page: &Page, staff: &Staff, client: &Client, given: &Given) -> Response {
    let from = client.address;
    match staff.log_in(&given.name, &given.password, from, Instant::now()) {
        Ok((id, role)) => {
            tell(page, By::person(given.name.as_str().into(), role, from), What::LogIn);
            let secure = if page.is_secure { "; Secure" } else { "" };
            let cookie = format!(
                "{COOKIE}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{secure}",
                SESSION_LASTS.as_secs()
            );
            with_cookie(text(StatusCode::OK, role.name()), &cookie)
        }
        Err(error) => {
            let status = match error {
                LogInError::Wrong => StatusCode::UNAUTHORIZED,
                LogInError::TooOften => StatusCode::TOO_MANY_REQUESTS,
                LogInError::Random(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            text(status, &error.to_string())
        }
    }
}

/// Ends the session.
#[utoipa::path(post, path = "/logout", tag = "people", responses(
    (status = 200, description = "the session has ended, if there was one")))]
pub async fn log_out(State(page): State<Arc<Page>>, caller: Caller) -> Response {
    let Caller { client, headers } = &caller;
    if let (Some(staff), Some(id)) = (page.access.staff(), session(headers)) {
        if let Some((name, role)) = page.access.who(headers) {
            tell(&page, By::person(name, role, client.address), What::LogOut);
        }
        staff.log_out(id);
    }
    with_cookie(text(StatusCode::OK, "logged out"), &format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"))
}

/// Who is logged in, and what that person may do.
#[utoipa::path(get, path = "/session", tag = "people", responses(
    (status = 200, content_type = "application/json",
        description = "`accounts`: whether the station has any; `name`, `role` and `may`, the deeds, of whoever is logged in")))]
pub async fn who(State(page): State<Arc<Page>>, headers: HeaderMap) -> Response {
    let who = page.access.who(&headers);
    let may = |role: Role| Deed::ALL.into_iter().filter(move |deed| role.may(*deed)).map(Deed::name).collect();
    let may: Vec<&str> = match &who {
        Some((_, role)) => may(*role),
        None if page.access.staff().is_none() && page.access.has_token() => Deed::WORDS.to_vec(),
        None => Vec::new(),
    };
    let (name, role) = who.map(|(name, role)| (name.to_string(), role.name())).unzip();
    let accounts = page.access.staff().is_some();
    found("application/json", json!({ "accounts": accounts, "name": name, "role": role, "may": may }).to_string())
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
    answer
}

fn tell(page: &Page, by: By, what: What) {
    page.station.scribe.record(Entry::done(by, what, String::new(), String::new()));
}
