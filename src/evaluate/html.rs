//! A report as one page, which needs no other file and no network: pictures and plots are within it.

use std::collections::BTreeMap;
use std::fmt::Write;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageResult, RgbImage};

use super::document::{Block, Cell, Table};

/// The section of figures that belong to none of the report's.
pub const PICTURES: &str = "Pictures";
/// How many photographs a page has at most, and how many bytes all of its figures have together, before they are
/// written as text.
const PICTURES_MAX: usize = 24;
const BYTES_MAX: usize = 8 << 20;
const QUALITY: u8 = 82;

const STYLE: &str = "
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; color: #1b1f24; background: #fff; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 1rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; border-top: 1px solid #d0d7de; padding-top: 1.2rem; }
p, ul { max-width: 60rem; } nav a { margin-right: 1.2em; white-space: nowrap; }
.table { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #e4e8ec; text-align: right; } th:first-child { text-align: left; font-weight: 500; }
thead th { border-bottom: 2px solid #afb8c1; font-weight: 600; } tbody tr:hover { background: #f4f6f8; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; } figcaption { color: #57606a; font-size: .9rem; }
.plot img { width: 52rem; } .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 1rem; } .pictures figure { margin: 0; }
@media print { h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
";

/// A report's figures, by the title of the section that they belong to.
#[derive(Default)]
pub struct Album {
    plots: BTreeMap<&'static str, Vec<Figure>>,
    pictures: Vec<Figure>,
    bytes: usize,
    /// How many there was no room for.
    left_out: usize,
}

struct Figure {
    caption: String,
    kind: &'static str,
    bytes: Vec<u8>,
}

impl Album {
    /// Adds a plot, an SVG, to a section.
    pub fn plot(&mut self, section: &'static str, caption: impl Into<String>, svg: String) {
        let figure = Figure { caption: caption.into(), kind: "image/svg+xml", bytes: svg.into_bytes() };
        if self.has_room(&figure) {
            self.plots.entry(section).or_default().push(figure);
        }
    }

    /// Adds a picture at the end of the page.
    pub fn picture(&mut self, caption: impl Into<String>, picture: &RgbImage) -> ImageResult<()> {
        if self.pictures.len() == PICTURES_MAX {
            self.left_out += 1;
            return Ok(());
        }
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(picture)?;
        let figure = Figure { caption: caption.into(), kind: "image/jpeg", bytes };
        if self.has_room(&figure) {
            self.pictures.push(figure);
        }
        Ok(())
    }

    /// Whether a figure may be added, which counts it.
    fn has_room(&mut self, figure: &Figure) -> bool {
        let has_room = self.bytes + figure.bytes.len() <= BYTES_MAX;
        if has_room {
            self.bytes += figure.bytes.len();
        } else {
            self.left_out += 1;
        }
        has_room
    }
}

/// The page of a report.
pub fn page(blocks: &[Block], album: &Album) -> String {
    let title =
        blocks.iter().find_map(|block| if let Block::Title(title) = block { Some(title.as_str()) } else { None });
    let title = escaped(title.unwrap_or("Report"));
    // The page may load nothing, and runs nothing.
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    let titles: Vec<&str> = blocks.iter().filter_map(heading).chain([PICTURES]).collect();
    let mut number = 0;
    let mut section = "";
    for block in blocks {
        if let Some(title) = heading(block) {
            plots(&mut text, album, section);
            section = title;
            number += 1;
        }
        of_block(&mut text, block, number);
        if matches!(block, Block::Title(_)) {
            contents(&mut text, &titles);
        }
    }
    plots(&mut text, album, section);
    pictures(&mut text, album, titles.len());
    text + "</body>\n</html>\n"
}

fn heading(block: &Block) -> Option<&str> {
    if let Block::Heading(title) = block { Some(title) } else { None }
}

fn contents(text: &mut String, titles: &[&str]) {
    *text += "<nav>";
    for (number, title) in (1..).zip(titles) {
        let _ = write!(text, "<a href=\"#s{number}\">{}</a> ", escaped(title));
    }
    *text += "</nav>\n";
}

fn of_block(text: &mut String, block: &Block, number: usize) {
    let _ = match block {
        Block::Title(title) => writeln!(text, "<h1>{}</h1>", escaped(title)),
        Block::Heading(title) => writeln!(text, "<h2 id=\"s{number}\">{}</h2>", escaped(title)),
        Block::Paragraph(paragraph) => writeln!(text, "<p>{}</p>", escaped(paragraph)),
        Block::Items(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escaped(item))).collect();
            writeln!(text, "<ul>\n{items}</ul>")
        }
        Block::Table(Table { columns, rows }) => {
            *text += "<div class=\"table\"><table>\n<thead>";
            row(text, columns, "th");
            *text += "</thead>\n<tbody>\n";
            rows.iter().for_each(|cells| row(text, cells, "td"));
            writeln!(text, "</tbody>\n</table></div>")
        }
    };
}

fn row(text: &mut String, cells: &[Cell], other: &str) {
    *text += "<tr>";
    for (number, Cell { text: cell, is_bold }) in cells.iter().enumerate() {
        let tag = if number == 0 { "th" } else { other };
        let [open, close] = if *is_bold { ["<b>", "</b>"] } else { [""; 2] };
        let _ = write!(text, "<{tag}>{open}{}{close}</{tag}>", escaped(cell));
    }
    *text += "</tr>\n";
}

fn plots(text: &mut String, album: &Album, section: &str) {
    album.plots.get(section).into_iter().flatten().for_each(|figure| of_figure(text, figure, "plot"));
}

fn pictures(text: &mut String, album: &Album, number: usize) {
    let _ = writeln!(text, "<h2 id=\"s{number}\">{PICTURES}</h2>");
    if album.pictures.is_empty() {
        *text += "<p>There are none.</p>\n";
    }
    *text += "<div class=\"pictures\">\n";
    album.pictures.iter().for_each(|figure| of_figure(text, figure, "picture"));
    *text += "</div>\n";
    if album.left_out > 0 {
        let _ = writeln!(text, "<p>{} more are in the folder of this page.</p>", album.left_out);
    }
}

fn of_figure(text: &mut String, Figure { caption, kind, bytes }: &Figure, class: &str) {
    let (caption, data) = (escaped(caption), base64(bytes));
    let _ = writeln!(
        text,
        "<figure class=\"{class}\"><img alt=\"{caption}\" src=\"data:{kind};base64,{data}\"><figcaption>{caption}</figcaption></figure>"
    );
}

/// A text, such as a folder's name from outside, as text within an element or an attribute.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '"' => text += "&quot;",
            '\'' => text += "&#39;",
            c => text.push(if c.is_control() { ' ' } else { c }),
        }
    }
    text
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for letter in 0..4 {
            let six = (bits >> (18 - 6 * letter)) as usize & 63;
            text.push(if letter > three.len() { '=' } else { char::from(LETTERS[six]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_rfc_has_them() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn texts_from_outside_stay_texts() {
        let evil = "</title><script>alert(\"1\")</script>' onerror='x";
        let mut table = Table::new(["", evil]);
        table.rows.push(vec![evil.into(), Cell::bold(evil)]);
        let blocks = [
            Block::Title(evil.into()),
            Block::heading(evil),
            Block::paragraph(evil),
            Block::Items(vec![evil.into()]),
            Block::Table(table),
        ];
        let mut album = Album::default();
        album.plot("Classes", evil, "<svg/>".into());
        album.picture(evil, &RgbImage::new(2, 2)).unwrap();
        let page = page(&blocks, &album);
        assert!(!page.contains("<script") && !page.contains("' onerror"), "{page}");
        assert!(page.contains("<b>&lt;/title&gt;&lt;script&gt;alert(&quot;1&quot;)"), "{page}");
    }

    #[test]
    fn a_page_has_its_figures_where_they_belong_and_nothing_from_elsewhere() {
        let blocks =
            [Block::Title("Title".into()), Block::heading("One"), Block::paragraph("p"), Block::heading("Two")];
        let mut album = Album::default();
        album.plot("One", "a plot", "<svg/>".into());
        album.picture("a picture", &RgbImage::new(2, 2)).unwrap();
        let page = page(&blocks, &album);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text} in {page}"));
        assert!(at("id=\"s1\">One") < at("data:image/svg+xml;base64,PHN2Zy8+") && at("PHN2Zy8+") < at("id=\"s2\">Two"));
        assert!(at("id=\"s2\">Two") < at("id=\"s3\">Pictures") && at("id=\"s3\"") < at("data:image/jpeg;base64,/9j/"));
        for link in ["src=\"", "href=\""] {
            let inside = page.split(link).skip(1).all(|rest| rest.starts_with("data:") || rest.starts_with('#'));
            assert!(inside, "{page}");
        }
    }

    #[test]
    fn a_page_has_a_bound() {
        let mut album = Album::default();
        for _ in 0..PICTURES_MAX + 2 {
            album.picture("", &RgbImage::new(1, 1)).unwrap();
        }
        album.plot("One", "", " ".repeat(BYTES_MAX));
        assert_eq!((album.pictures.len(), album.plots.len(), album.left_out), (PICTURES_MAX, 0, 3));
        assert!(page(&[], &album).contains("<p>3 more are in the folder of this page.</p>"));
    }
}
