//! A client's connection, of which the codec sees whole and sound frames alone.
//!
//! Nothing is allocated from a length that a client states, since a frame has a buffer of its own with the size that the
//! protocol permits. A client that is silent, stops in the middle of a frame or does not take its answer is closed. The
//! codec of the crate takes frames of 64 KiB, waits for the end of one for ever, and indexes past the coils of a frame
//! that has fewer than it says.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::place::Place;
use crate::runtime::metrics::Count;

/// Transaction, protocol, length and unit.
const HEADER_BYTES: usize = 7;
/// The bytes before those that the length counts.
const UNCOUNTED: usize = 6;
/// The unit and the largest request of the protocol.
const LENGTH_MAX: usize = 254;
const FRAME_BYTES_MAX: usize = UNCOUNTED + LENGTH_MAX;

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From one request to the next.
    pub idle: Duration,
    /// For a request from its first byte on, or to take an answer.
    pub frame: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), frame: Duration::from_secs(3) }
    }
}

/// A connection, with the frame that is being read.
pub struct Frames<S> {
    stream: S,
    place: Place,
    limits: Limits,
    frame: [u8; FRAME_BYTES_MAX],
    /// Bytes of the frame that have come, and those of them that were handed on.
    filled: usize,
    given: usize,
    timer: Pin<Box<Sleep>>,
    /// The client does not take an answer.
    is_stuck: bool,
}

impl<S> Frames<S> {
    /// In the context of a runtime.
    pub fn new(stream: S, place: Place, limits: Limits) -> Self {
        let timer = Box::pin(sleep(limits.idle));
        Self { stream, place, limits, frame: [0; FRAME_BYTES_MAX], filled: 0, given: 0, timer, is_stuck: false }
    }

    /// How many bytes the frame has, as far as that is known.
    fn expected(&self) -> usize {
        match self.filled < HEADER_BYTES {
            true => HEADER_BYTES,
            false => UNCOUNTED + length(&self.frame),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.timer.as_mut().reset(Instant::now() + time);
    }

    fn broken(&self, kind: ErrorKind, what: &str) -> io::Error {
        self.place.count(Count::PlcBroken);
        io::Error::new(kind, what)
    }

    /// Takes in bytes that have come.
    fn take(&mut self, bytes: usize) -> io::Result<()> {
        let had = self.filled;
        self.filled += bytes;
        if had == 0 {
            self.wait(self.limits.frame);
        }
        let header_came = (had + 1..=self.filled).contains(&HEADER_BYTES);
        if header_came && !is_header(&self.frame) {
            return Err(self.broken(ErrorKind::InvalidData, "it does not send Modbus TCP"));
        }
        if self.is_whole() {
            if !is_sound(&self.frame[HEADER_BYTES..self.filled]) {
                return Err(self.broken(ErrorKind::InvalidData, "a request has not as many values as it says"));
            }
            self.place.asks();
            self.wait(self.limits.idle);
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.filled >= HEADER_BYTES && self.filled == self.expected()
    }

    /// Hands on as much of a whole frame as there is room for.
    fn give(&mut self, into: &mut ReadBuf<'_>) {
        let part = &self.frame[self.given..self.filled];
        let part = &part[..part.len().min(into.remaining())];
        into.put_slice(part);
        self.given += part.len();
        if self.given == self.filled {
            (self.given, self.filled) = (0, 0);
        }
    }
}

fn word(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |word| usize::from(word[0]) << 8 | usize::from(word[1]))
}

/// The bytes after the length, as the header states them.
fn length(frame: &[u8]) -> usize {
    word(frame, 4)
}

/// Whether a frame begins as Modbus TCP does, with a length that the protocol permits.
fn is_header(frame: &[u8]) -> bool {
    word(frame, 2) == 0 && (2..=LENGTH_MAX).contains(&length(frame))
}

/// Whether a request that writes several values has as many as it says.
fn is_sound(request: &[u8]) -> bool {
    let bytes_at = |at: usize| request.get(at).map(|bytes| usize::from(*bytes));
    match request.first() {
        Some(0x0f) => bytes_at(5) == Some(word(request, 3).div_ceil(8)),
        Some(0x10) => bytes_at(5) == Some(2 * word(request, 3)),
        Some(0x17) => bytes_at(9) == Some(2 * word(request, 7)),
        _ => true,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.is_whole() {
                this.give(into);
                return Poll::Ready(Ok(()));
            }
            if this.place.is_lost(cx) {
                // The end, as if the client had gone.
                return Poll::Ready(Ok(()));
            }
            let expected = this.expected();
            let mut space = ReadBuf::new(&mut this.frame[this.filled..expected]);
            match Pin::new(&mut this.stream).poll_read(cx, &mut space) {
                Poll::Ready(Ok(())) if space.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    let bytes = space.filled().len();
                    this.take(bytes)?;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    ready!(this.timer.as_mut().poll(cx));
                    if this.filled > 0 {
                        return Poll::Ready(
                            Err(this.broken(ErrorKind::TimedOut, "the rest of a request did not come")),
                        );
                    }
                    this.place.count(Count::PlcIdle);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(cx, bytes) {
            if std::mem::take(&mut this.is_stuck) {
                this.wait(this.limits.idle);
            }
            return Poll::Ready(written);
        }
        if !std::mem::replace(&mut this.is_stuck, true) {
            this.wait(this.limits.frame);
        }
        if this.place.is_lost(cx) {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        ready!(this.timer.as_mut().poll(cx));
        Poll::Ready(Err(this.broken(ErrorKind::TimedOut, "it does not take its answers")))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sound_frames_reach_the_codec() {
        let header = |protocol: u8, length: u16| {
            let [high, low] = length.to_be_bytes();
            is_header(&[0, 1, 0, protocol, high, low, 1])
        };
        assert!(header(0, 6) && header(0, 2) && header(0, 254));
        assert!(!header(0, 255) && !header(0, 1) && !header(0, 0) && !header(0, 65_535) && !header(1, 6));
        assert!(!is_header(b"GET / H"));
        for (request, sound) in [
            (&[0x03, 0, 0, 0, 32][..], true),
            (&[0x0f, 0, 0, 0, 3, 1, 7], true),
            // 2,000 coils in one byte: the codec would read past the end.
            (&[0x0f, 0, 0, 0x07, 0xd0, 1, 7], false),
            (&[0x0f, 0, 0, 0, 3], false),
            (&[0x10, 0, 40, 0, 1, 2, 0, 3], true),
            // 32,769 words are 2 bytes where the product overflows.
            (&[0x10, 0, 40, 0x80, 1, 2, 0, 3], false),
            (&[0x17, 0, 0, 0, 1, 0, 40, 0x80, 1, 2, 0, 3], false),
        ] {
            assert_eq!(is_sound(request), sound, "{request:?}");
        }
    }
}
