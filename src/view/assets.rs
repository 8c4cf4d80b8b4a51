//! The files of the page. It needs nothing from outside.

use axum::Router;
use axum::routing::get;

use super::answer::found;

const PAGE: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($path:literal: $content_type:ident $file:literal;)*) => {
        /// Path, type and content.
        const FILES: &[(&str, &str, &str)] = &[$(($path, $content_type, include_str!(concat!("assets/", $file)))),*];
    };
}

const JSON: &str = "application/json";

files! {
    "/": PAGE "live.html";
    "/style.css": STYLE "style.css";
    "/live.js": SCRIPT "live.js";
    "/page.js": SCRIPT "page.js";
    "/scores.js": SCRIPT "scores.js";
    "/charts.js": SCRIPT "charts.js";
    "/plot.js": SCRIPT "plot.js";
    "/review": PAGE "review.html";
    "/review.js": SCRIPT "review.js";
    "/brush.js": SCRIPT "brush.js";
    "/revise.js": SCRIPT "revise.js";
    "/teach": PAGE "teach.html";
    "/teach.js": SCRIPT "teach.js";
    "/regions.js": SCRIPT "regions.js";
    "/work.js": SCRIPT "work.js";
    "/login": PAGE "login.html";
    "/login.js": SCRIPT "login.js";
    "/words.js": SCRIPT "words.js";
    "/words.json": JSON "words.json";
}

/// The files, each at its path.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |routes, (path, content_type, content)| {
        routes.route(path, get(move || async move { found(content_type, *content) }))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::collect::Set;
    use crate::defects::Kind;
    use crate::people::Role;
    use crate::reject::fault::Fault;
    use crate::review::Found;
    use crate::runtime::metrics::{Count, Latency};
    use crate::score::Verdict;
    use crate::teach::{How, Phase, State, Step};
    use crate::trace::Span;

    type Words = BTreeMap<String, BTreeMap<String, String>>;

    fn content(path: &str) -> &'static str {
        FILES.iter().find(|file| file.0 == path).unwrap().2
    }

    fn words() -> Words {
        serde_json::from_str(content("/words.json")).unwrap()
    }

    /// The values that a text has places for.
    fn values(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    /// What stands between `before` and `after` in the scripts and pages.
    fn named(before: &str, after: &str) -> BTreeSet<String> {
        let of_file = |text: &'static str| text.split(before).skip(1).filter_map(|rest| rest.split_once(after));
        FILES.iter().flat_map(|file| of_file(file.2)).map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn every_word_is_there_in_every_language() {
        let words = words();
        let languages: Vec<&String> = words["language.name"].keys().collect();
        assert!(languages.len() >= 2);
        for (key, texts) in &words {
            assert_eq!(texts.keys().collect::<Vec<_>>(), languages, "{key}");
            let of_each: BTreeSet<BTreeSet<&str>> = texts.values().map(|text| values(text)).collect();
            assert_eq!(of_each.len(), 1, "{key} has other values in another language");
        }
    }

    #[test]
    fn every_word_that_a_page_names_is_there_and_no_other() {
        let words = words();
        let families = [
            "count", "fault", "found", "how", "kind", "language", "latency", "phase", "role", "set", "span", "state",
            "step", "verdict",
        ];
        let named: BTreeSet<String> = named("data-word=\"", "\"").into_iter().chain(named("word(\"", "\"")).collect();
        let missing: Vec<&String> = named.iter().filter(|key| !words.contains_key(*key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let scripts: String = FILES.iter().filter(|file| file.1 == SCRIPT).map(|file| file.2).collect();
        let is_used = |key: &str| {
            let of_family = key.split_once('.').is_some_and(|(family, _)| families.contains(&family));
            of_family || named.contains(key) || scripts.contains(&format!("\"{key}\""))
        };
        let unused: Vec<&String> = words.keys().filter(|key| !is_used(key)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn what_a_station_counts_and_finds_has_its_word() {
        let words = words();
        let counts = Count::ALL.into_iter().filter_map(|what| what.series().page).map(|key| format!("count.{key}"));
        let latencies =
            Latency::ALL.into_iter().filter_map(|what| what.series().page).map(|key| format!("latency.{key}"));
        let faults = Fault::ALL.into_iter().map(|fault| format!("fault.{}", fault.name()));
        let kinds = Kind::WORDS.into_iter().map(|kind| format!("kind.{kind}"));
        let found = Found::WORDS.into_iter().map(|word| format!("found.{word}"));
        let lessons = (Phase::WORDS.into_iter().map(|word| format!("phase.{word}")))
            .chain(Set::WORDS.into_iter().map(|word| format!("set.{word}")))
            .chain(State::WORDS.into_iter().map(|word| format!("state.{word}")))
            .chain(Step::WORDS.into_iter().map(|word| format!("step.{word}")))
            .chain(How::WORDS.into_iter().map(|word| format!("how.{word}")));
        let roles = Role::WORDS.into_iter().map(|word| format!("role.{word}"));
        let spans = Span::WORDS.into_iter().map(|word| format!("span.{word}"));
        let verdicts = Verdict::WORDS.into_iter().map(|verdict| format!("verdict.{verdict}"));
        let missing: Vec<String> = counts
            .chain(latencies)
            .chain(faults)
            .chain(kinds)
            .chain(verdicts)
            .chain(found)
            .chain(roles)
            .chain(spans)
            .chain(lessons)
            .filter(|key| !words.contains_key(key))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
