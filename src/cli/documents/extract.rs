//! The lines of programs that a Markdown text has.

/// Programs that run another one, and a shell's prompt.
const RUNNERS: [&str; 6] = ["$", "sudo", "env", "time", "nice", "exec"];

/// A command line in a block of code, or the text between two backticks.
#[derive(Debug, PartialEq)]
pub struct Piece {
    /// The number of the line where it begins.
    pub line: usize,
    pub text: String,
    /// Whether it is in a block, where lines are whole.
    pub is_code: bool,
}

/// All of them, in order.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    // What is indented is code after an empty line or other code, and otherwise goes on with a paragraph.
    let mut may_begin_code = true;
    let (mut paragraph, mut code) = (Text::default(), Text::default());
    for (number, line) in (1..).zip(text.lines()) {
        let is_fence = line.trim_start().starts_with("```");
        let is_indented = line.starts_with("    ") && may_begin_code;
        let is_code = !is_fence && (is_fenced || is_indented);
        is_fenced ^= is_fence;
        may_begin_code = is_fence || is_indented || line.trim().is_empty();
        if is_code || may_begin_code {
            spans(&std::mem::take(&mut paragraph), &mut found);
        }
        if is_code {
            code.add(number, line.trim().trim_end_matches('\\'));
            if !line.ends_with('\\') {
                lines(&std::mem::take(&mut code), &mut found);
            }
        } else if !is_fence {
            paragraph.add(number, line);
            paragraph.add(number, "\n");
        }
    }
    spans(&paragraph, &mut found);
    found
}

/// Some lines of a document, and the number of the first.
#[derive(Default)]
struct Text {
    line: usize,
    text: String,
}

impl Text {
    fn add(&mut self, number: usize, text: &str) {
        if self.text.is_empty() {
            self.line = number;
        }
        self.text += text;
    }
}

/// The texts between backticks; one may go on in the next line of its paragraph.
fn spans(paragraph: &Text, found: &mut Vec<Piece>) {
    let mut line = paragraph.line;
    for (number, text) in paragraph.text.replace("``", "`").split('`').enumerate() {
        if number % 2 == 1 && !text.is_empty() {
            found.push(Piece { line, text: text.replace('\n', " "), is_code: false });
        }
        line += text.matches('\n').count();
    }
}

/// The lines of the program within a line of a shell.
fn lines(code: &Text, found: &mut Vec<Piece>) {
    let text = code.text.split(" #").next().unwrap_or(&code.text);
    for command in text.split(['|', ';', '>', '&']) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let is_program = |at: &usize| {
            (words[*at] == "crosscheck" || (words[*at].ends_with("/crosscheck") && !words[*at].contains('=')))
                && (0..*at).all(|before| is_before(&words, before))
                // The name of a user is not the program: sudo -u crosscheck env.
                && (*at == 0 || words[at - 1] != "-u")
                && words.get(at + 1).is_some_and(|next| next.starts_with(|c: char| c == '-' || c.is_ascii_lowercase()))
        };
        if let Some(at) = (0..words.len()).find(is_program) {
            let text = format!("crosscheck {}", words[at + 1..].join(" "));
            found.push(Piece { line: code.line, text, is_code: true });
        }
    }
}

/// Whether a word may stand before the program that is run: a runner, its options and their values, an assignment.
fn is_before(words: &[&str], at: usize) -> bool {
    let is_value = at > 0 && words[at - 1].starts_with('-');
    RUNNERS.contains(&words[at]) || words[at].starts_with('-') || words[at].contains('=') || is_value
}
