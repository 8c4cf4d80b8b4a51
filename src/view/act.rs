//! What may be asked of the station, by people who are logged in and by whoever has the token.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::answer::{beside, text};
use super::client::Caller;
use super::page::Page;
use crate::action::{self, Action, By, Reply, Untaken};
use crate::people::Deed;

/// The word at the end of a request's body that confirms an action which may let parts pass.
const MAY_LOOSEN: &str = "loosen";
/// How long an answer waits for the action. Reading and checking an engine takes less; a longer action is still done.
const REPLY_TIME_MAX: Duration = Duration::from_secs(5);

/// Sets the threshold within its range.
#[utoipa::path(post, path = "/threshold", tag = "actions", security(("token" = []), ("session" = [])),
    request_body(content = String, content_type = "text/plain",
        description = "a positive number, the new threshold, and ` loosen` behind it to confirm that more parts may pass"),
    responses(
        (status = 200, description = "done; the text says what is in force"),
        (status = 409, description = "more parts may pass: send it again with `loosen`"),
        (status = "default", description = "refused, busy or not permitted; the text says why")))]
pub async fn threshold(State(page): State<Arc<Page>>, caller: Caller, body: String) -> Response {
    let (number, may_loosen) = confirmed(&body);
    let reject = f32::from_str(number).ok().filter(|reject| reject.is_finite() && *reject > 0.0);
    let action = reject.map(|reject| Action::SetThreshold { reject, may_loosen });
    act(
        page,
        &caller,
        Deed::Threshold,
        action.ok_or("a positive number, the new threshold, and `loosen` behind it to confirm"),
    )
    .await
}

/// Reads the configuration again.
#[utoipa::path(post, path = "/reload", tag = "actions", security(("token" = []), ("session" = [])),
    request_body(content = String, content_type = "text/plain", description = "nothing, or `loosen` to confirm that more parts may pass"),
    responses(
        (status = 200, description = "done"),
        (status = 409, description = "more parts may pass: send it again with `loosen`"),
        (status = "default", description = "refused, busy or not permitted; the text says why")))]
pub async fn reload(State(page): State<Arc<Page>>, caller: Caller, body: String) -> Response {
    let (rest, may_loosen) = confirmed(&body);
    let action = rest.is_empty().then_some(Action::Reload { may_loosen }).ok_or("nothing, or `loosen` to confirm");
    act(page, &caller, Deed::Reload, action).await
}

/// Acknowledges the faults that wait for a person.
#[utoipa::path(post, path = "/acknowledge", tag = "actions", security(("token" = []), ("session" = [])),
    responses(
        (status = 200, description = "done"),
        (status = "default", description = "refused, busy or not permitted; the text says why")))]
pub async fn acknowledge(State(page): State<Arc<Page>>, caller: Caller) -> Response {
    act(page, &caller, Deed::Acknowledge, Ok(Action::Acknowledge)).await
}

/// Holds the output at reject, or releases it.
#[utoipa::path(post, path = "/hold", tag = "actions", security(("token" = []), ("session" = [])),
    request_body(content = String, content_type = "text/plain", description = "`on` or `off`"),
    responses(
        (status = 200, description = "done"),
        (status = "default", description = "refused, busy or not permitted; the text says why")))]
pub async fn hold(State(page): State<Arc<Page>>, caller: Caller, body: String) -> Response {
    act(page, &caller, Deed::Hold, on_or_off(&body).map(Action::Hold)).await
}

/// Goes to another recipe.
#[utoipa::path(post, path = "/recipe", tag = "actions", security(("token" = []), ("session" = [])),
    request_body(content = String, content_type = "text/plain", description = "the number of the recipe"),
    responses(
        (status = 200, description = "the recipe takes over, or is in force"),
        (status = "default", description = "refused, busy or not permitted; the text says why")))]
pub async fn recipe(State(page): State<Arc<Page>>, caller: Caller, body: String) -> Response {
    let action = body.trim().parse().map(Action::Recipe).map_err(|_| "the number of a recipe");
    act(page, &caller, Deed::Recipe, action).await
}

/// What stands before the confirmation, and whether there is one.
fn confirmed(body: &str) -> (&str, bool) {
    let body = body.trim();
    match body.strip_suffix(MAY_LOOSEN) {
        Some(rest) => (rest.trim_end(), true),
        None => (body, false),
    }
}

/// Whether a body says `on`; what was expected where it says something else.
pub fn on_or_off(body: &str) -> Result<bool, &'static str> {
    match body.trim() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("`on` or `off`"),
    }
}

/// Passes an action to the station, if whoever asks may act, and answers with its result. `action`: what was expected
/// instead, where the request is not valid.
pub async fn act(page: Arc<Page>, caller: &Caller, deed: Deed, action: Result<Action, &str>) -> Response {
    let by = match page.access.may(caller, deed) {
        Ok(by) => by,
        Err(refused) => return refused.answer(),
    };
    match action {
        Ok(action) => beside(move || ask(&page, action, by)).await,
        Err(expected) => text(StatusCode::BAD_REQUEST, &format!("the body must be {expected}")),
    }
}

/// Passes an action to the station, and answers with its reply.
fn ask(page: &Page, action: Action, by: By) -> Response {
    let busy = |why: &str| text(StatusCode::SERVICE_UNAVAILABLE, why);
    let reply = match action::ask(&page.station.actions, action, by) {
        Ok(reply) => reply,
        Err(Untaken::Full) => return busy("the station has not finished the last action yet; try again"),
        Err(Untaken::Stopping) => return busy("the station is stopping"),
    };
    log::info!("the view asks for {action:?}");
    match reply.recv_timeout(REPLY_TIME_MAX) {
        Ok(Reply::Done(what)) => text(StatusCode::OK, &what),
        Ok(Reply::Unconfirmed(how)) => {
            let how = format!("this may let parts pass that do not pass now: {how}; send `{MAY_LOOSEN}` to confirm");
            text(StatusCode::CONFLICT, &how)
        }
        Ok(Reply::Refused(why)) => text(StatusCode::UNPROCESSABLE_ENTITY, &why),
        Ok(Reply::Busy(why)) => busy(&why),
        Err(RecvTimeoutError::Timeout) => {
            text(StatusCode::ACCEPTED, "accepted, but not done yet: see the log for the result")
        }
        Err(RecvTimeoutError::Disconnected) => busy("the station is stopping"),
    }
}
