//! Who sends a request.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::extract::rejection::ExtensionRejection;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::seats::Seat;

/// A connection.
#[derive(Clone)]
pub struct Client {
    pub address: IpAddr,
    /// Its place, to be kept while it is served with events.
    pub seat: Arc<Seat>,
}

/// A client with what its request says of who asks.
pub struct Caller {
    pub client: Client,
    pub headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ExtensionRejection> {
        let Extension(client) = Extension::from_request_parts(parts, state).await?;
        Ok(Self { client, headers: parts.headers.clone() })
    }
}
