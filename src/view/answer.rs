//! Answers of one kind: a line of plain text, or bytes with their type.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why something that was asked for is not done.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    pub fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    /// A request that says something else than was expected.
    pub fn unclear(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    pub fn answer(&self) -> Response {
        text(self.status, &self.why)
    }
}

/// A line of plain text.
pub fn text(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}

/// What was asked for as JSON, or why not.
pub fn json(what: Result<impl Serialize, Refused>) -> Response {
    match what.map(|what| serde_json::to_string(&what)) {
        Ok(Ok(json)) => found("application/json", json),
        Ok(Err(error)) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot write the answer: {error}")),
        Err(refused) => refused.answer(),
    }
}

/// What was asked for.
pub fn found(content_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], body.into()).into_response()
}

/// The answer of work that waits, or draws: another thread does it, so that the others are served meanwhile.
pub async fn beside(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) => {
            log::error!("an answer of the view failed: {error}; please report it");
            text(StatusCode::INTERNAL_SERVER_ERROR, "this program failed to answer; its log says where")
        }
    }
}
