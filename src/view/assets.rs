//! The files of the page. It needs nothing from outside.

use axum::Router;
use axum::routing::get;

use super::answer::found;

const FILES: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("assets/page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("assets/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("assets/page.js")),
];

/// The files, each at its path.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |routes, (path, content_type, content)| {
        let answer = move || async move { found(content_type, content) };
        routes.route(path, get(answer))
    })
}
