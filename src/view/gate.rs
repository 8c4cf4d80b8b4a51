//! What every request passes: whether it is meant for this view, how long it may take, and the headers of its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::timeout;

use super::access::nobody;
use super::answer::text;
use super::client::Client;
use super::page::Page;

/// Time within which the whole request must arrive, and an answer must begin.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);

/// What is answered to everyone: the log-in, what it needs, and figures without pictures, for monitors.
const OPEN: [&str; 9] =
    ["/login", "/login.js", "/style.css", "/page.js", "/words.js", "/words.json", "/session", "/healthz", "/metrics"];

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Lets a request pass, or answers why it does not.
pub async fn pass(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let mut answer = match refusal(&page, &request).or_else(|| stranger(&page, &request)) {
        Some(answer) => answer,
        None => timeout(ANSWER_TIME_MAX, next.run(request)).await.unwrap_or_else(|_| {
            text(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time, or the answer took too long")
        }),
    };
    for (name, value) in HEADERS {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

fn refusal(page: &Page, request: &Request) -> Option<Response> {
    let headers = request.headers();
    // A proxy that reads the first of two and a server that reads the second see different requests.
    for name in [header::HOST, header::AUTHORIZATION, header::ORIGIN] {
        if headers.get_all(&name).iter().count() > 1 {
            return Some(text(StatusCode::BAD_REQUEST, &format!("the header {name} is given twice")));
        }
    }
    let host = host(request.uri(), headers);
    if !page.access.answers_to(host) {
        let why = "the view does not answer to this name: add it to view.hosts";
        return Some(text(StatusCode::MISDIRECTED_REQUEST, why));
    }
    // A page of another site, or of another port, sends its own name.
    let is_own = |origin: &str| origin.split_once("://").is_some_and(|(_, of)| Some(of) == host);
    let is_foreign = headers.get(header::ORIGIN).is_some_and(|origin| !origin.to_str().is_ok_and(is_own));
    if is_foreign && !request.method().is_safe() {
        let why = "the page of another site may not ask this station for anything";
        return Some(text(StatusCode::FORBIDDEN, why));
    }
    None
}

/// The answer to whoever has to log in before: a browser that opens a page is shown where.
fn stranger(page: &Page, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let from = request.extensions().get::<Client>()?.address;
    if OPEN.contains(&path) || page.access.sees(from, request.headers()) {
        return None;
    }
    let is_page = request.headers().get(header::ACCEPT).is_some_and(|types| types.as_bytes().starts_with(b"text/html"));
    if request.method().is_safe() && is_page {
        return Some(Redirect::to("/login").into_response());
    }
    Some(nobody().answer())
}

/// The name that a request is meant for, with its port; none if it has none. What cannot be read is a name that no view
/// answers to.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let of_header = || headers.get(header::HOST).map(|host| host.to_str().unwrap_or(""));
    uri.authority().map(|authority| authority.as_str()).or_else(of_header)
}
