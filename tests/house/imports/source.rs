//! What one file of Rust imports, re-exports and defines.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// The names of a path, such as `crate`, `files`, `hex`.
pub type Names = Vec<String>;

#[derive(Default)]
pub struct Source {
    /// Paths of `use` items, each with the name that it has in the file; `*` for all names.
    pub uses: Vec<(Names, String)>,
    /// The same of those that are visible outside.
    pub reexports: Vec<(Names, String)>,
    /// Paths of several names in the code.
    pub paths: BTreeSet<Names>,
    /// What the file itself names: functions, types and modules.
    pub defines: BTreeSet<String>,
    /// Modules that only tests have.
    pub test_modules: BTreeSet<String>,
    pub features: BTreeSet<String>,
    /// Modules within the file that are open.
    within: Names,
}

impl Source {
    pub fn new(file: &str, text: &str) -> Self {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut source = Self::default();
        source.visit_file(&parsed);
        source
    }

    /// A path as seen from the file, where a module within it is open.
    fn seen_from_file(&self, mut path: Names) -> Names {
        let mut within = self.within.clone();
        if within.is_empty() || !matches!(path[0].as_str(), "self" | "super") {
            return path;
        }
        while path.first().is_some_and(|name| name == "super") && within.pop().is_some() {
            path.remove(0);
        }
        if path.first().is_some_and(|name| name == "self") {
            path.remove(0);
        }
        ["self".to_string()].into_iter().chain(within).chain(path).collect()
    }

    fn take_use(&mut self, tree: &UseTree, before: &Names, is_visible: bool) {
        let joined = |name: String| before.iter().cloned().chain([name]).collect::<Names>();
        let (path, name) = match tree {
            UseTree::Path(path) => return self.take_use(&path.tree, &joined(path.ident.to_string()), is_visible),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.take_use(tree, before, is_visible));
            }
            UseTree::Glob(_) => (before.clone(), "*".to_string()),
            UseTree::Name(name) if name.ident == "self" => (before.clone(), before.last().cloned().unwrap_or_default()),
            UseTree::Name(name) => (joined(name.ident.to_string()), name.ident.to_string()),
            UseTree::Rename(name) => (joined(name.ident.to_string()), name.rename.to_string()),
        };
        let path = self.seen_from_file(path);
        if is_visible && self.within.is_empty() {
            self.reexports.push((path, name));
        } else {
            self.uses.push((path, name));
        }
    }

    fn take_path(&mut self, path: Names) {
        if path.len() > 1 {
            let path = self.seen_from_file(path);
            self.paths.insert(path);
        }
    }

    /// The paths in what a macro is given, which is no Rust before it is expanded.
    fn take_tokens(&mut self, tokens: &str) {
        let text = tokens.replace(" :: ", "::");
        let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        for word in text.split(|c| !is_of_path(c)).filter(|word| word.contains("::")) {
            self.take_path(word.split("::").filter(|name| !name.is_empty()).map(String::from).collect());
        }
    }

    fn take_features(&mut self, tokens: &str) {
        let values = tokens.split("feature = \"").skip(1).filter_map(|rest| rest.split('"').next());
        self.features.extend(values.map(String::from));
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let is_for_tests = attributes(item).iter().any(is_for_tests);
        if let (true, Item::Mod(module)) = (is_for_tests, item) {
            self.test_modules.insert(module.ident.to_string());
        }
        if is_for_tests {
            return;
        }
        if self.within.is_empty() {
            self.defines.extend(name_of(item));
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.within.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_visible = !matches!(item.vis, Visibility::Inherited);
        self.take_use(&item.tree, &Names::new(), is_visible);
        visit::visit_item_use(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.take_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        let tokens = invoked.tokens.to_string();
        self.take_tokens(&tokens);
        self.take_features(&tokens);
        visit::visit_macro(self, invoked);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.take_features(&list.tokens.to_string());
        }
        visit::visit_attribute(self, attribute);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, syn::Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
