//! The line between the library and its caller: no panic crosses it, and one thread at a time is behind it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, TryLockError};

use crate::failure::Failure;
use crate::status::Status;
use crate::text::{Text, TextBuffer};

/// What a handle stands for. A call that finds another one inside is refused instead of waiting, and after a panic nobody
/// enters any more, as what it left behind is not known.
pub struct Guarded<S> {
    inside: Mutex<Inside<S>>,
}

struct Inside<S> {
    state: S,
    /// Of the last call; empty if it did what it was asked for.
    text: Text,
}

impl<S> Guarded<S> {
    pub fn new(state: S) -> Self {
        Self { inside: Mutex::new(Inside { state, text: Text::default() }) }
    }

    /// Does `work` on the state, and keeps the text of its failure.
    pub fn enter(&self, work: impl FnOnce(&mut S) -> Result<(), Failure>) -> Status {
        let call = || {
            let mut inside = match self.inside.try_lock() {
                Ok(inside) => inside,
                Err(TryLockError::WouldBlock) => return Status::Busy,
                Err(TryLockError::Poisoned(_)) => return Status::Poisoned,
            };
            inside.text.clear();
            let Err(failure) = work(&mut inside.state) else { return Status::Ok };
            inside.text.set(&failure);
            failure.status()
        };
        // The lock is poisoned while the panic unwinds, so that nobody sees the state again.
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
            if let Err(TryLockError::Poisoned(inside)) = self.inside.try_lock() {
                describe(panic, &mut inside.into_inner().text);
            }
            Status::Internal
        })
    }

    /// Copies the text of the last call; also after a panic.
    pub fn copy_text(&self, buffer: TextBuffer) -> Status {
        let inside = match self.inside.try_lock() {
            Ok(inside) => inside,
            Err(TryLockError::Poisoned(inside)) => inside.into_inner(),
            Err(TryLockError::WouldBlock) => return Status::Busy,
        };
        buffer.put(inside.text.bytes());
        Status::Ok
    }

    /// Whether a call is inside.
    pub fn is_busy(&self) -> bool {
        matches!(self.inside.try_lock(), Err(TryLockError::WouldBlock))
    }
}

/// Does `work` for which there is no handle, and writes the text of its failure, or an empty one, into the caller's buffer.
pub fn call(buffer: TextBuffer, work: impl FnOnce() -> Result<(), Failure>) -> Status {
    let mut text = Text::default();
    let status = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(failure)) => {
            text.set(&failure);
            failure.status()
        }
        Err(panic) => {
            describe(panic, &mut text);
            Status::Internal
        }
    };
    buffer.put(text.bytes());
    status
}

fn describe(panic: Box<dyn Any + Send>, text: &mut Text) {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.set(format_args!("a mistake in the library, please report it: {}", said.unwrap_or("a panic")));
    // To drop it could panic again, where nothing catches it.
    std::mem::forget(panic);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::CROSSCHECK_TEXT_SIZE;

    fn text_of(put: impl FnOnce(TextBuffer)) -> String {
        let mut memory = [0u8; CROSSCHECK_TEXT_SIZE];
        // SAFETY: the memory outlives the buffer.
        put(unsafe { TextBuffer::new(memory.as_mut_ptr().cast(), memory.len()) });
        String::from_utf8(memory.into_iter().take_while(|byte| *byte != 0).collect()).unwrap()
    }

    fn last_text<S>(guarded: &Guarded<S>) -> String {
        text_of(|buffer| assert_eq!(guarded.copy_text(buffer), Status::Ok))
    }

    const REFUSED: Failure = Failure::Null { what: "it" };

    #[test]
    fn a_panic_is_a_status_and_nobody_enters_any_more() {
        let guarded = Guarded::new(());
        assert_eq!(guarded.enter(|_| Err(REFUSED)), Status::NullPointer);
        assert_eq!(last_text(&guarded), "it is NULL: give its address");
        assert_eq!(guarded.enter(|()| Ok(())), Status::Ok);
        assert_eq!(last_text(&guarded), "");
        assert_eq!(guarded.enter(|_| panic!("{} apples", 3)), Status::Internal);
        assert!(last_text(&guarded).ends_with("please report it: 3 apples"));
        assert_eq!(guarded.enter(|()| Ok(())), Status::Poisoned);
        assert!(last_text(&guarded).ends_with("3 apples") && !guarded.is_busy());
    }

    #[test]
    fn a_second_caller_is_refused_while_the_first_is_inside() {
        let guarded = Guarded::new(());
        let outer = guarded.enter(|()| {
            assert_eq!(guarded.enter(|()| Ok(())), Status::Busy);
            // SAFETY: there is no memory.
            assert_eq!(guarded.copy_text(unsafe { TextBuffer::new(std::ptr::null_mut(), 0) }), Status::Busy);
            assert!(guarded.is_busy());
            Ok(())
        });
        assert_eq!((outer, guarded.is_busy()), (Status::Ok, false));
    }

    #[test]
    fn without_a_handle_the_text_goes_to_the_caller() {
        let refused = text_of(|buffer| assert_eq!(call(buffer, || Err(REFUSED)), Status::NullPointer));
        assert_eq!(refused, "it is NULL: give its address");
        let panicked = text_of(|buffer| assert_eq!(call(buffer, || panic!("pears")), Status::Internal));
        assert!(panicked.ends_with(": pears"), "{panicked}");
        assert_eq!(text_of(|buffer| assert_eq!(call(buffer, || Ok(())), Status::Ok)), "");
    }
}
