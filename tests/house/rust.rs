//! As much of Rust as it takes to tell code from text and to match braces.

/// Rust source with comments, strings and characters blanked; lines stay where they are.
pub struct Source {
    code: Vec<u8>,
}

pub struct Function {
    pub name: String,
    /// Where `fn` is, from 1.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

impl Source {
    pub fn new(text: &str) -> Self {
        let mut code = text.as_bytes().to_vec();
        let mut at = 0;
        while at < code.len() {
            let length = text_length(&code[at..]);
            code[at..at + length].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
            at += length.max(1);
        }
        Self { code }
    }

    /// Every function with a body.
    pub fn functions(&self) -> Vec<Function> {
        let starts = self.places("fn ").into_iter().filter(|&at| at == 0 || !is_word(self.code[at - 1]));
        starts.filter_map(|at| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let name: Vec<u8> = self.code[at + 3..].iter().copied().take_while(|&b| is_word(b)).collect();
        let end = self.body_end(at)?;
        let (line, last) = (self.line(at), self.line(end));
        let name = String::from_utf8_lossy(&name).into_owned();
        (!name.is_empty()).then_some(Function { name, line, lines: last - line + 1 })
    }

    /// Lines that hold one of `patterns`, outside items marked `#[cfg(test)]`.
    pub fn lines_outside_tests(&self, patterns: &[&str]) -> Vec<usize> {
        let tests: Vec<(usize, usize)> =
            self.places("#[cfg(test)]").into_iter().filter_map(|at| Some((at, self.body_end(at)?))).collect();
        let in_tests = |at: &usize| tests.iter().any(|(from, to)| (from..=to).contains(&at));
        let places = patterns.iter().flat_map(|pattern| self.places(pattern)).filter(|at| !in_tests(at));
        let mut lines: Vec<usize> = places.map(|at| self.line(at)).collect();
        lines.sort();
        lines
    }

    fn places(&self, pattern: &str) -> Vec<usize> {
        let windows = self.code.windows(pattern.len()).enumerate();
        windows.filter(|(_, window)| *window == pattern.as_bytes()).map(|(at, _)| at).collect()
    }

    /// The brace that closes the first one opened after `at`; none where `;` ends the item first.
    fn body_end(&self, at: usize) -> Option<usize> {
        let (mut braces, mut brackets) = (0, 0);
        for (i, byte) in self.code.iter().enumerate().skip(at) {
            match byte {
                b'{' => braces += 1,
                b'}' if braces == 1 => return Some(i),
                b'}' => braces -= 1,
                b'(' | b'[' => brackets += 1,
                b')' | b']' => brackets -= 1,
                // A `;` inside brackets is an array type's.
                b';' if braces == 0 && brackets == 0 => return None,
                _ => {}
            }
        }
        None
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].iter().filter(|b| **b == b'\n').count() + 1
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes of the comment, string or character that `code` starts with, 0 for code.
fn text_length(code: &[u8]) -> usize {
    if code.starts_with(b"//") {
        return code.iter().position(|&b| b == b'\n').unwrap_or(code.len());
    }
    if code.starts_with(b"/*") {
        return block_comment_length(code);
    }
    match code[0] {
        b'"' => quoted_length(code, b'"'),
        b'r' => raw_string_length(code),
        b'\'' if is_character(code) => quoted_length(code, b'\''),
        _ => 0,
    }
}

fn block_comment_length(code: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < code.len() {
        if code[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if code[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted_length(code: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < code.len() && code[at] != quote {
        at += if code[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(code.len())
}

/// 0 where the `r` is a letter of a word.
fn raw_string_length(code: &[u8]) -> usize {
    let hashes = code[1..].iter().take_while(|b| **b == b'#').count();
    if code.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let start = hashes + 2;
    code[start..].windows(end.len()).position(|w| w == end).map_or(code.len(), |at| start + at + end.len())
}

/// A lifetime or a loop's label has no closing quote behind its first character.
fn is_character(code: &[u8]) -> bool {
    let width = code.get(1).map_or(1, |b| (b.leading_ones() as usize).max(1));
    code.get(1) == Some(&b'\\') || code.get(1 + width) == Some(&b'\'')
}
