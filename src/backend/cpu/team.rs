//! Threads that are started once and share the tasks of one stage after another, without allocating.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Number of times that a thread polls a flag before it sleeps. This lasts longer than the gap between two stages of a
/// frame, some tens of microseconds.
const SPINS: usize = 2000;

/// This thread and its helpers, each with scratch memory `S` of its own.
pub struct Team<S> {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    scratch: Vec<S>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    start: Condvar,
    /// Number of jobs so far; helpers that spin read it without the lock.
    generation: AtomicUsize,
    next_task: AtomicUsize,
    /// Number of helpers inside the job.
    inside: AtomicUsize,
    panicked: AtomicBool,
}

#[derive(Default)]
struct State {
    /// None once the thread that started the job has no task left to share.
    job: Option<Job>,
    quit: bool,
}

/// The function that each worker calls with its number.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn(usize) + Sync));

// SAFETY: the closure is `Sync`, and `Team::each` keeps it alive until no helper is inside.
unsafe impl Send for Job {}

/// Number of cores that this process may use.
pub fn all_cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl<S: Send + Default> Team<S> {
    /// A thread for each core that this process may use.
    pub fn of_all_cores() -> Self {
        Self::new(all_cores())
    }

    /// `threads` includes the calling thread. If fewer can be started, the team works with those.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let helper = |number| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("inspect-{number}")).spawn(move || help(&shared, number)).ok()
        };
        let helpers: Vec<_> = (1..threads.max(1)).map_while(helper).collect();
        let scratch = (0..=helpers.len()).map(|_| S::default()).collect();
        Self { shared, helpers, scratch }
    }
}

impl<S: Send> Team<S> {
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs `work` on every task of `0..tasks`, in any order, each once, and returns when all are done.
    pub fn each(&mut self, tasks: usize, work: impl Fn(&mut S, usize) + Sync) {
        if self.helpers.is_empty() || tasks < 2 {
            (0..tasks).for_each(|task| work(&mut self.scratch[0], task));
            return;
        }
        let scratch = Parts::new(&mut self.scratch);
        let shared = &*self.shared;
        shared.next_task.store(0, Ordering::Relaxed);
        let worker = |number: usize| {
            // SAFETY: each worker has its own number.
            let scratch = &mut unsafe { scratch.part(number, 1) }[0];
            loop {
                let task = shared.next_task.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    return;
                }
                work(scratch, task);
            }
        };
        let job: &(dyn Fn(usize) + Sync) = &worker;
        // SAFETY: only the lifetime is lost: before `worker` is dropped, also while a panic unwinds, `Closing` takes
        // the job back and waits for every helper inside it.
        let job = Job(unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const _>(job) });
        shared.lock().job = Some(job);
        shared.generation.fetch_add(1, Ordering::Release);
        shared.start.notify_all();
        let closing = Closing(shared);
        worker(0);
        drop(closing);
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a helper thread panicked, see above");
    }

    /// Makes every worker's scratch as large as the largest, by `grow`. Which worker takes which task is chance, so
    /// each must have the memory for tasks that so far only another has met.
    pub fn level(&mut self, grow: impl Fn(&mut S, &S)) {
        let Some((first, others)) = self.scratch.split_first_mut() else { return };
        others.iter().for_each(|other| grow(first, other));
        others.iter_mut().for_each(|other| grow(other, first));
    }

    /// [`Self::each`] over chunks of `out`, the last of which may be shorter.
    pub fn each_chunk<T: Send>(&mut self, out: &mut [T], chunk: usize, work: impl Fn(&mut S, usize, &mut [T]) + Sync) {
        let (length, parts) = (out.len(), Parts::new(out));
        self.each(length.div_ceil(chunk), |scratch, task| {
            let first = task * chunk;
            // SAFETY: chunks do not overlap and each is one task.
            work(scratch, task, unsafe { parts.part(first, chunk.min(length - first)) });
        });
    }
}

impl<S> Drop for Team<S> {
    fn drop(&mut self) {
        self.shared.lock().quit = true;
        self.shared.generation.fetch_add(1, Ordering::Release);
        self.shared.start.notify_all();
        // A helper's panic was passed on when it happened.
        self.helpers.drain(..).for_each(|helper| drop(helper.join()));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the job back and waits until no helper is inside.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.lock().job = None;
        let mut spins = 0;
        while self.0.inside.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS { std::hint::spin_loop() } else { thread::yield_now() }
        }
    }
}

fn help(shared: &Shared, number: usize) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while shared.generation.load(Ordering::Acquire) == seen && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        let mut state = shared.lock();
        while shared.generation.load(Ordering::Acquire) == seen && !state.quit {
            state = shared.start.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.quit {
            return;
        }
        seen = shared.generation.load(Ordering::Acquire);
        let Some(job) = state.job else { continue };
        // Counted under the lock, so that the job cannot be taken back in between.
        shared.inside.fetch_add(1, Ordering::Relaxed);
        drop(state);
        // SAFETY: the job is alive while `inside` counts this helper.
        let work = unsafe { &*job.0 };
        if catch_unwind(AssertUnwindSafe(|| work(number))).is_err() {
            shared.panicked.store(true, Ordering::Relaxed);
        }
        shared.inside.fetch_sub(1, Ordering::Release);
    }
}

/// A slice that tasks write disjoint parts of.
pub struct Parts<'a, T> {
    start: *mut T,
    length: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: parts are `&mut [T]` that do not overlap, and may go to other threads if `T` may.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    pub fn new(whole: &'a mut [T]) -> Self {
        Self { start: whole.as_mut_ptr(), length: whole.len(), owner: PhantomData }
    }

    /// `length` elements from `first` on.
    ///
    /// # Safety
    /// No other part that is in use overlaps this one.
    #[allow(clippy::mut_from_ref, reason = "the caller keeps parts apart")]
    #[inline]
    pub unsafe fn part(&self, first: usize, length: usize) -> &mut [T] {
        assert!(first <= self.length && length <= self.length - first, "a part beyond its slice");
        // SAFETY: the part is within the slice by the assertion, and exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 5] {
            let mut team = Team::<usize>::new(threads);
            for tasks in [0, 1, 2, 7, 1000] {
                let mut counts = vec![0; tasks];
                (0..20).for_each(|_| team.each_chunk(&mut counts, 1, |_, task, count| count[0] += task + 1));
                assert!(counts.iter().enumerate().all(|(task, count)| *count == 20 * (task + 1)), "{threads} threads");
            }
            team.each(1000, |scratch, _| *scratch += 1);
            assert_eq!(team.scratch.iter().sum::<usize>(), 1000);
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        for threads in [1, 3] {
            let mut team = Team::<()>::new(threads);
            for bad in [0, 63] {
                let run = |team: &mut Team<()>| team.each(64, |_, task| assert_ne!(task, bad));
                assert!(catch_unwind(AssertUnwindSafe(|| run(&mut team))).is_err());
            }
            let done = AtomicUsize::new(0);
            team.each(64, |_, _| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 64);
        }
    }
}
