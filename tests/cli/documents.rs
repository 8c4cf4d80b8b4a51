//! What documents have a reader do.

/// The first indented block of a document that begins with `first`, without its indentation. Lines that are empty within it
/// are part of it.
pub fn block(document: &'static str, first: &str) -> Vec<&'static str> {
    let is_first = |line: &&str| line.strip_prefix("    ").is_some_and(|line| line.starts_with(first));
    let lines = document.lines().skip_while(|line| !is_first(line));
    let mut block: Vec<_> =
        lines.map_while(|line| line.strip_prefix("    ").or(line.is_empty().then_some(""))).collect();
    while block.last().is_some_and(|line| line.is_empty()) {
        block.pop();
    }
    block
}

/// The commands of a block, each without its comment and the program's name.
pub fn commands(block: &[&'static str]) -> Vec<&'static str> {
    let command = |line: &&'static str| line.split("  #").next()?.strip_prefix("crosscheck ").map(str::trim);
    block.iter().filter_map(command).collect()
}
