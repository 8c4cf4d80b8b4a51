//! Which path is answered by what, and the description of all of them (OpenAPI), which is made from the same list.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::COOKIE;
use super::page::Page;
use super::{act, answer, assets, charts, events, gate, log_in, review, revise, show, teach};

/// Largest body of an action: a number, a word, or nothing.
const ACTION_BYTES_MAX: usize = 256;
/// Largest body of a log-in: a name and a password.
const LOG_IN_BYTES_MAX: usize = 2 << 10;
/// Largest choice of regions: some thousand corners.
const LESSON_BYTES_MAX: usize = 256 << 10;
/// Largest mask: one of the largest photograph that a camera gives has a tenth of it.
const MASK_BYTES_MAX: usize = 8 << 20;

#[derive(OpenApi)]
#[openapi(
    info(title = "crosscheck", description = "The live page of a station: what it shows, and what it may be asked for."),
    tags(
        (name = "live", description = "what the page shows"),
        (name = "monitors", description = "for Prometheus and for whoever restarts what does not answer"),
        (name = "actions", description = "what may be asked of the station, with the token of its configuration or by people whose role permits it"),
        (name = "people", description = "log-in and log-out"),
        (name = "teach", description = "lessons: recipes that are taught at the station"),
        (name = "review", description = "recorded parts, and what a person says of them")
    )
)]
struct Description;

fn described() -> OpenApiRouter<Arc<Page>> {
    let shown = OpenApiRouter::new()
        .routes(routes!(show::state))
        .routes(routes!(events::events))
        .routes(routes!(charts::charts))
        .routes(routes!(show::frame))
        .routes(routes!(show::overlay))
        .routes(routes!(show::relief))
        .routes(routes!(show::metrics))
        .routes(routes!(show::health));
    let acting = OpenApiRouter::new()
        .routes(routes!(act::threshold))
        .routes(routes!(act::reload))
        .routes(routes!(act::acknowledge))
        .routes(routes!(act::hold))
        .routes(routes!(act::recipe))
        .layer(RequestBodyLimitLayer::new(ACTION_BYTES_MAX));
    let people = OpenApiRouter::new()
        .routes(routes!(log_in::who))
        .routes(routes!(log_in::log_in))
        .routes(routes!(log_in::log_out))
        .layer(RequestBodyLimitLayer::new(LOG_IN_BYTES_MAX));
    let review = OpenApiRouter::new()
        .routes(routes!(review::parts))
        .routes(routes!(review::record))
        .routes(routes!(review::picture))
        .routes(routes!(review::say))
        .routes(routes!(review::summary))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MASK_BYTES_MAX));
    let teach = OpenApiRouter::new()
        .routes(routes!(teach::all))
        .routes(routes!(teach::begin))
        .routes(routes!(teach::lesson))
        .routes(routes!(teach::scores))
        .routes(routes!(teach::proposal))
        .routes(routes!(teach::overlay))
        .routes(routes!(teach::collect))
        .routes(routes!(teach::regions))
        .routes(routes!(teach::learn))
        .routes(routes!(teach::cancel))
        .routes(routes!(teach::activate))
        .routes(routes!(revise::revision))
        .routes(routes!(revise::revise))
        .routes(routes!(revise::accept))
        .routes(routes!(revise::discard))
        .layer(RequestBodyLimitLayer::new(LESSON_BYTES_MAX));
    let mut description = Description::openapi();
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE)));
    let components = description.components.get_or_insert_default();
    components.add_security_scheme("token", token);
    components.add_security_scheme("session", session);
    OpenApiRouter::with_openapi(description).merge(shown).merge(acting).merge(people).merge(review).merge(teach)
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
