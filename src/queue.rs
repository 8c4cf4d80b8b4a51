//! Queues between two threads that live as long as the program.

use heapless::spsc::{Consumer, Producer, Queue};

/// The two ends of a queue that is never freed, so that any thread may have them. A station makes its queues once.
pub fn kept<T: 'static, const N: usize>() -> (Producer<'static, T>, Consumer<'static, T>) {
    Box::leak(Box::new(Queue::<T, N>::new())).split()
}
