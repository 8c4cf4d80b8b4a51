//! Which path is answered by what, and the description of all of them (OpenAPI), which is made from the same list.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::Page;
use super::{act, answer, assets, events, gate, show};

/// Largest body of an action: a number, a word, or nothing.
const ACTION_BYTES_MAX: usize = 256;

#[derive(OpenApi)]
#[openapi(
    info(title = "crosscheck", description = "The live page of a station: what it shows, and what it may be asked for."),
    tags(
        (name = "live", description = "what the page shows"),
        (name = "monitors", description = "for Prometheus and for whoever restarts what does not answer"),
        (name = "actions", description = "what may be asked of the station, with the token of its configuration")
    )
)]
struct Description;

fn described() -> OpenApiRouter<Arc<Page>> {
    let shown = OpenApiRouter::new()
        .routes(routes!(show::state))
        .routes(routes!(events::events))
        .routes(routes!(show::frame))
        .routes(routes!(show::overlay))
        .routes(routes!(show::metrics))
        .routes(routes!(show::health));
    let acting = OpenApiRouter::new()
        .routes(routes!(act::threshold))
        .routes(routes!(act::reload))
        .routes(routes!(act::acknowledge))
        .routes(routes!(act::hold))
        .routes(routes!(act::recipe))
        .layer(RequestBodyLimitLayer::new(ACTION_BYTES_MAX));
    let mut description = Description::openapi();
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    description.components.get_or_insert_default().add_security_scheme("token", token);
    OpenApiRouter::with_openapi(description).merge(shown).merge(acting)
}

/// The description as JSON.
pub fn document() -> String {
    let (_, description) = described().split_for_parts();
    description.to_pretty_json().unwrap_or_else(|error| unreachable!("texts are JSON: {error}"))
}

/// Everything that the view answers.
pub fn routes(page: &Arc<Page>) -> Router {
    let (routes, _) = described().split_for_parts();
    let document = document();
    routes
        .merge(assets::routes())
        .route("/openapi.json", get(move || async move { answer::found("application/json", document) }))
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(page.clone(), gate::pass))
        .with_state(page.clone())
}

async fn nothing_here() -> Response {
    answer::text(StatusCode::NOT_FOUND, "there is nothing here: /openapi.json tells what there is")
}

async fn other_method() -> Response {
    answer::text(StatusCode::METHOD_NOT_ALLOWED, "this path is not for this method: /openapi.json tells which it takes")
}
