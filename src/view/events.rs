//! The state, told to every page that listens, as events that the server sends (SSE).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::client::Caller;
use super::page::Page;

/// From one state to the next.
const PERIOD: Duration = Duration::from_secs(1);

/// A page that listens.
type Listening = (watch::Receiver<Option<Arc<str>>>, Caller, Arc<Page>);

/// Tells the state once a second while a page listens. It is written once, however many listen.
pub async fn tell(page: Arc<Page>) {
    let mut clock = tokio::time::interval(PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        if page.told.receiver_count() == 0 {
            continue;
        }
        let look = page.clone();
        match tokio::task::spawn_blocking(move || look.state()).await {
            Ok(Ok(state)) => drop(page.told.send_replace(Some(state.into()))),
            Ok(Err(error)) => log::error!("cannot write the state: {error}"),
            Err(error) => log::error!("cannot write the state: {error}; please report it"),
        }
    }
}

/// The state, once a second.
#[utoipa::path(get, path = "/events", tag = "live", responses(
    (status = 200, content_type = "text/event-stream",
        description = "events named `state`, once a second: what /state.json answers, as the data of the event")))]
pub async fn events(State(page): State<Arc<Page>>, caller: Caller) -> Response {
    let told = page.told.subscribe();
    let next = move |(mut told, caller, page): Listening| async move {
        told.changed().await.ok()?;
        // Whoever has logged out, or is no longer in the accounts, is told nothing more.
        if !page.access.sees(caller.client.address, &caller.headers) {
            return None;
        }
        let state = told.borrow_and_update().clone();
        // Whoever listens keeps its place.
        caller.client.seat.asks();
        let event = Event::default().event("state").data(state.as_deref().unwrap_or_default());
        Some((Ok::<_, Infallible>(event), (told, caller, page)))
    };
    Sse::new(stream::unfold((told, caller, page), next)).keep_alive(KeepAlive::default()).into_response()
}
