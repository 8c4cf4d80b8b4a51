//! The part of HTTP/1.1 that the page needs: one request for each connection, bounded in size and time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Largest request line with headers: those of a browser are a tenth of this.
pub const HEAD_BYTES_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;
/// Largest body: a number, a word, or nothing.
pub const BODY_BYTES_MAX: usize = 256;
/// An answer must be sent within this time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Number of bytes that are read from a refused client, so that it sees the answer.
const REST_BYTES_MAX: usize = 64 << 10;
const REST_TIME_MAX: Duration = Duration::from_millis(500);

#[derive(Debug, PartialEq)]
pub struct Request {
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The value of `Host`.
    pub host: Option<String>,
    /// The value of `Authorization`.
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type, body: body.into() }
    }

    /// A line of plain text.
    pub fn text(status: u16, text: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{text}\n").into_bytes() }
    }
}

pub enum Parsed {
    Request(Request),
    /// The answer to bytes that are not a valid request.
    Refused(Answer),
    Partial,
}

/// Parses the `bytes` received so far.
pub fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let refused = |status, text: &str| Parsed::Refused(Answer::text(status, text));
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Parsed::Partial,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return refused(431, "the request's head is too large"),
        Err(error) => return refused(400, &format!("this is not an HTTP request: {error}")),
    };
    let value_of = |name: &str| {
        let header = head.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    // A proxy that reads the first of two and a server that reads the second see different requests.
    let is_twice = |name: &&&str| head.headers.iter().filter(|h| h.name.eq_ignore_ascii_case(name)).count() > 1;
    if let Some(name) = ["Content-Length", "Host", "Authorization"].iter().find(is_twice) {
        return refused(400, &format!("the header {name} is given twice"));
    }
    if value_of("transfer-encoding").is_some() {
        return refused(411, "send a body with its Content-Length");
    }
    let body_bytes = match value_of("content-length") {
        None => 0,
        // The parser of numbers would accept a sign.
        Some(text) if !text.bytes().all(|b| b.is_ascii_digit()) => {
            return refused(400, "Content-Length is not a number");
        }
        Some(text) => match text.parse::<usize>() {
            Ok(count) if count <= BODY_BYTES_MAX => count,
            _ => return refused(413, "the body is too large"),
        },
    };
    let Some(body) = bytes.get(length..length + body_bytes) else { return Parsed::Partial };
    let target = head.path.unwrap_or_default();
    Parsed::Request(Request {
        method: head.method.unwrap_or_default().to_string(),
        path: target.split('?').next().unwrap_or_default().to_string(),
        host: value_of("host").map(str::to_string),
        authorization: value_of("authorization").map(str::to_string),
        body: body.to_vec(),
    })
}

/// Writes the answer, and closes the connection.
pub fn answer(mut stream: TcpStream, answer: &Answer, head_only: bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    write_answer(&mut stream, answer, head_only, Instant::now() + ANSWER_TIME_MAX)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    read_rest(&mut stream)
}

fn write_answer(stream: &mut TcpStream, answer: &Answer, head_only: bool, end: Instant) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n",
        answer.status,
        reason(answer.status),
        answer.content_type,
        answer.body.len()
    );
    let body: &[u8] = if head_only { &[] } else { &answer.body };
    for mut bytes in [head.as_bytes(), body] {
        while !bytes.is_empty() {
            stream.set_write_timeout(Some(left(end)?))?;
            match stream.write(bytes)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => bytes = &bytes[count..],
            }
        }
    }
    Ok(())
}

/// Reads the remaining bytes: closing a connection with unread bytes resets it, and the client may miss the answer.
fn read_rest(stream: &mut TcpStream) -> io::Result<()> {
    let end = Instant::now() + REST_TIME_MAX;
    let mut piece = [0; 1024];
    let mut bytes = 0;
    while bytes < REST_BYTES_MAX {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(&mut piece)? {
            0 => break,
            count => bytes += count,
        }
    }
    Ok(())
}

/// The time until `end`, as a time-out for a system call.
fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> u16 {
        match parse(bytes) {
            Parsed::Refused(answer) => answer.status,
            Parsed::Request(request) => panic!("{request:?}"),
            Parsed::Partial => 0,
        }
    }

    #[test]
    fn a_request_is_read_wherever_it_is_cut() {
        let text =
            b"POST /threshold?x=1 HTTP/1.1\r\nHost: a\r\nauthorization: Bearer t\r\nContent-Length: 3\r\n\r\n0.5";
        assert!((0..text.len()).all(|cut| matches!(parse(&text[..cut]), Parsed::Partial)));
        let Parsed::Request(request) = parse(text) else { panic!("a whole request") };
        let expected = Request {
            method: "POST".into(),
            path: "/threshold".into(),
            host: Some("a".into()),
            authorization: Some("Bearer t".into()),
            body: b"0.5".to_vec(),
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn what_is_too_large_or_wrong_is_refused() {
        let long = [b"GET /".as_slice(), &[b'a'; HEAD_BYTES_MAX]].concat();
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        assert_eq!(refused(&long), 431);
        assert_eq!(refused(many.as_bytes()), 431);
        assert_eq!(refused(b"\x16\x03\x01\x00\xa5"), 400);
        assert_eq!(refused(b"POST / HTTP/1.1\r\nContent-Length: 257\r\n\r\n"), 413);
        assert_eq!(refused(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
        assert_eq!(refused(b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n"), 400);
        assert_eq!(refused(b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 413);
        assert_eq!(refused(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
        assert_eq!(refused(b"GET / HTTP/1.1\r\n"), 0);
    }

    // A proxy may take the second of two lengths where this server takes the first (request smuggling).
    #[test]
    fn a_header_that_is_given_twice_is_refused() {
        for twice in
            ["Content-Length: 3\r\ncontent-length: 3", "Host: a\r\nHost: b", "Authorization: a\r\nAuthorization: b"]
        {
            assert_eq!(refused(format!("POST / HTTP/1.1\r\n{twice}\r\n\r\n0.5").as_bytes()), 400, "{twice}");
        }
    }
}
