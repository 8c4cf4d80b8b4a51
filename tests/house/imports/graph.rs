//! Which file imports which, by the names that it imports.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Names, Source};

/// Re-exports that lead to one another.
const REEXPORTS_MAX: usize = 16;

pub struct Graph {
    sources: BTreeMap<String, Source>,
    /// Names that the first module imports of the second.
    edges: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Graph {
    /// Of files by their paths from the root of the repository, `src/a/b.rs`.
    pub fn new(files: &[(String, String)]) -> Self {
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        for (file, text) in files {
            let source = Source::new(file, text);
            // The library and the program are one tree: the program's only module is its own.
            match sources.get_mut(&module_of(file)) {
                Some(root) => root.reexports.extend(source.reexports),
                None => drop(sources.insert(module_of(file), source)),
            }
        }
        let for_tests: Vec<String> = sources
            .iter()
            .flat_map(|(module, source)| source.test_modules.iter().map(|child| joined(module, child)))
            .collect();
        let is_for_tests =
            |module: &str| for_tests.iter().any(|test| module == test || module.starts_with(&format!("{test}::")));
        sources.retain(|module, _| !is_for_tests(module));
        let mut graph = Self { sources, edges: BTreeMap::new() };
        for module in graph.sources.keys().cloned().collect::<Vec<_>>() {
            for (to, name) in graph.imports(&module) {
                if to != module && !to.is_empty() && !module.is_empty() {
                    graph.edges.entry((module.clone(), to)).or_default().insert(name);
                }
            }
        }
        graph
    }

    /// What a file imports: the module that defines it, and its name there.
    fn imports(&self, module: &str) -> Vec<(String, String)> {
        let source = &self.sources[module];
        let visible = source.reexports.iter().map(|(path, name)| (path, name));
        let known: BTreeMap<&String, &Names> = source
            .uses
            .iter()
            .map(|(path, name)| (path, name))
            .chain(visible)
            .filter(|(_, name)| *name != "*")
            .map(|(path, name)| (name, path))
            .collect();
        let mut found = Vec::new();
        for (path, name) in &source.uses {
            let Some(path) = self.absolute(module, path, &BTreeMap::new()) else { continue };
            match self.resolve(&path, 0) {
                (to, Some(name)) => found.push((to, name)),
                (to, None) if name == "*" => found.push((to, "*".into())),
                // A module: what is taken out of it shows where it is used.
                (_, None) => {}
            }
        }
        for path in &source.paths {
            let Some(path) = self.absolute(module, path, &known) else { continue };
            if let (to, Some(name)) = self.resolve(&path, 0) {
                found.push((to, name));
            }
        }
        found
    }

    /// A path from the root of the crate; none where it leads into another crate, or is a type's own.
    fn absolute(&self, module: &str, path: &Names, known: &BTreeMap<&String, &Names>) -> Option<Names> {
        let mut at: Names = module.split("::").filter(|name| !name.is_empty()).map(String::from).collect();
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" | "crosscheck" => return Some(rest.to_vec()),
            "self" => {}
            "super" => {
                at.pop();
                let supers = rest.iter().take_while(|name| *name == "super").count();
                at.truncate(at.len().saturating_sub(supers));
                return Some(at.into_iter().chain(rest[supers..].iter().cloned()).collect());
            }
            name if self.sources.contains_key(&joined(module, name)) => at.push(first.clone()),
            _ => {
                let start = self.absolute(module, known.get(first)?, &BTreeMap::new())?;
                return Some(start.into_iter().chain(rest.iter().cloned()).collect());
            }
        }
        Some(at.into_iter().chain(rest.iter().cloned()).collect())
    }

    /// The module that a path leads into, and the name in it that it goes on with.
    fn resolve(&self, path: &[String], depth: usize) -> (String, Option<String>) {
        let mut at = String::new();
        for (place, name) in path.iter().enumerate() {
            let child = joined(&at, name);
            if self.sources.contains_key(&child) {
                at = child;
                continue;
            }
            let target = if depth < REEXPORTS_MAX { self.reexported(&at, name, depth) } else { None };
            return match target {
                Some(target) => self.resolve(&[target, path[place + 1..].to_vec()].concat(), depth + 1),
                None => (at, Some(name.clone())),
            };
        }
        (at, None)
    }

    /// Where a name comes from that a module re-exports.
    fn reexported(&self, module: &str, name: &str, depth: usize) -> Option<Names> {
        let source = self.sources.get(module)?;
        if source.defines.contains(name) {
            return None;
        }
        for (path, exported) in &source.reexports {
            let path = self.absolute(module, path, &BTreeMap::new());
            match path {
                Some(path) if exported == name => return Some(path),
                Some(path) if exported == "*" => {
                    let path = [path, vec![name.to_string()]].concat();
                    let (to, found) = self.resolve(&path, depth + 1);
                    if found.is_some_and(|found| self.sources[&to].defines.contains(&found)) {
                        return Some(path);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Each circle of files as its imports, a line each.
    pub fn circles(&self) -> Vec<String> {
        circles(&self.edges, &|module| file_of(module))
    }

    /// The same of rooms.
    pub fn circles_of_rooms(&self) -> Vec<String> {
        circles(&self.between_rooms(), &|room| room.to_string())
    }

    /// Imports from one room of another, with the names that are imported.
    pub fn imports_between_rooms(&self) -> Vec<(String, String, String)> {
        self.between_rooms().into_iter().map(|((from, to), names)| (from, to, listed(&names))).collect()
    }

    fn between_rooms(&self) -> BTreeMap<(String, String), BTreeSet<String>> {
        let room = |module: &str| module.split("::").next().unwrap_or_default().to_string();
        let mut between: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for ((from, to), names) in &self.edges {
            if room(from) != room(to) {
                between.entry((room(from), room(to))).or_default().extend(names.iter().cloned());
            }
        }
        between
    }

    /// The features that files ask for, each with its file.
    pub fn features(&self) -> Vec<(String, String)> {
        let of = |(module, source): (&String, &Source)| {
            let file = file_of(module);
            source.features.iter().map(move |feature| (file.clone(), feature.clone())).collect::<Vec<_>>()
        };
        self.sources.iter().filter(|(module, _)| !module.is_empty()).flat_map(of).collect()
    }
}

/// The sets of ends that reach each other, each as its edges. `shown`: how an end is named.
fn circles(edges: &BTreeMap<(String, String), BTreeSet<String>>, shown: &dyn Fn(&str) -> String) -> Vec<String> {
    let ends: BTreeSet<&String> = edges.keys().flat_map(|(from, to)| [from, to]).collect();
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        ends.iter().map(|end| (*end, reached_from(end, edges))).collect();
    let mut found: Vec<String> = Vec::new();
    let mut done: BTreeSet<&String> = BTreeSet::new();
    for end in ends {
        if !reached[end].contains(end) || done.contains(end) {
            continue;
        }
        let circle: BTreeSet<&String> =
            reached[end].iter().copied().filter(|other| reached[other].contains(end)).collect();
        let within = edges.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        let line = |((from, to), names): (&(String, String), &BTreeSet<String>)| {
            format!("  {} -> {}: {}", shown(from), shown(to), listed(names))
        };
        found.push(within.map(line).collect::<Vec<_>>().join("\n"));
        done.extend(circle);
    }
    found
}

fn reached_from<'a>(start: &str, edges: &'a BTreeMap<(String, String), BTreeSet<String>>) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(end) = open.pop() {
        for (from, to) in edges.keys() {
            if from == end && reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

fn joined(module: &str, name: &str) -> String {
    if module.is_empty() { name.into() } else { format!("{module}::{name}") }
}

/// `src/a/b.rs` is the module `a::b`; the library's root and the program's have no name.
fn module_of(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    if matches!(path, "lib" | "main") { String::new() } else { path.replace('/', "::") }
}

fn file_of(module: &str) -> String {
    format!("src/{}.rs", module.replace("::", "/"))
}
