//! A report as a list of blocks: written as Markdown here, and as a page by `html`.

use std::fmt::Write;

/// Texts are plain: each way of writing them escapes what it has to.
pub enum Block {
    /// The title of the whole report.
    Title(String),
    /// The title of a section.
    Heading(String),
    Paragraph(String),
    Items(Vec<String>),
    Table(Table),
}

impl Block {
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    pub fn heading(text: impl Into<String>) -> Self {
        Self::Heading(text.into())
    }
}

/// The first column names the rows.
pub struct Table {
    pub columns: Vec<Cell>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Without rows; the first column's name is often empty.
    pub fn new<C: Into<Cell>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self { columns: columns.into_iter().map(C::into).collect(), rows: Vec::new() }
    }
}

pub struct Cell {
    pub text: String,
    pub is_bold: bool,
}

impl Cell {
    pub fn bold(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_bold: true }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), is_bold: false }
    }
}

/// The blocks as Markdown.
pub fn markdown(blocks: &[Block]) -> String {
    let written: Vec<String> = blocks.iter().map(of_block).collect();
    written.join("\n")
}

fn of_block(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("# {}\n", escaped(text)),
        Block::Heading(text) => format!("## {}\n", escaped(text)),
        Block::Paragraph(text) => format!("{}\n", escaped(text)),
        Block::Items(items) => items.iter().map(|item| format!("- {}\n", escaped(item))).collect(),
        Block::Table(table) => {
            let mut text = row(&table.columns);
            let _ = writeln!(text, "|{}", "---|".repeat(table.columns.len()));
            table.rows.iter().for_each(|cells| text += &row(cells));
            text
        }
    }
}

fn row(cells: &[Cell]) -> String {
    let cell = |Cell { text, is_bold }: &Cell| match (escaped(text), is_bold) {
        (text, _) if text.is_empty() => " |".to_string(),
        (text, true) => format!(" **{text}** |"),
        (text, false) => format!(" {text} |"),
    };
    format!("|{}\n", cells.iter().map(cell).collect::<String>())
}

/// A text, such as a folder's name from outside, as text within a table's cell.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(c) = letters.next() {
        // Between letters it stays as it is: cable_gland.
        let is_within = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let emphasises = c == '_' && !(is_within(before.as_ref()) && is_within(letters.peek()));
        if emphasises || "\\`*<>[]|&~#".contains(c) {
            text.push('\\');
        }
        text.push(if c.is_control() { ' ' } else { c });
        before = Some(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_text_in_the_report() {
        for (name, written) in [
            ("cable_gland", "cable_gland"),
            ("Größe 2", "Größe 2"),
            ("_a_", "\\_a\\_"),
            ("a|b", "a\\|b"),
            ("<img src=x>", "\\<img src=x\\>"),
            ("[a](b)", "\\[a\\](b)"),
            ("a\nb\u{7f}", "a b "),
            ("\\|", "\\\\\\|"),
            ("**a** &amp; `b`", "\\*\\*a\\*\\* \\&amp; \\`b\\`"),
        ] {
            assert_eq!(escaped(name), written);
        }
    }

    #[test]
    fn blocks_are_apart() {
        let mut table = Table::new(["", "a|b"]);
        table.rows.push(vec!["x".into(), Cell::bold("y")]);
        let items = vec!["one".to_string(), "two".to_string()];
        let blocks = [Block::Title("t".into()), Block::paragraph("p"), Block::Items(items), Block::Table(table)];
        assert_eq!(markdown(&blocks), "# t\n\np\n\n- one\n- two\n\n| | a\\|b |\n|---|---|\n| x | **y** |\n");
    }
}
