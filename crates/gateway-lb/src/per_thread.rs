//! State that every thread has for itself.

use std::fmt;
use std::sync::OnceLock;

use thread_local::ThreadLocal;

/// One `T` for each thread that asks for it.
///
/// Threads never write to memory that another one reads here: every `T` has cache lines of its
/// own. Until a thread asks for the first time this is two words, because there may be thousands
/// of backends that are never sent anything.
pub(crate) struct PerThread<T: Send> {
    slots: OnceLock<Box<ThreadLocal<Box<CacheLine<T>>>>>,
}

impl<T: Send> PerThread<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: OnceLock::new(),
        }
    }

    /// The value of this thread, created if it has none yet.
    ///
    /// A thread that starts after another has ended may be given the value of that one.
    pub(crate) fn get_or(&self, create: impl FnOnce() -> T) -> &T {
        let slot = self
            .slots
            .get_or_init(Box::default)
            .get_or(|| Box::new(CacheLine(create())));
        &slot.0
    }
}

impl<T: Send> fmt::Debug for PerThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerThread").finish_non_exhaustive()
    }
}

#[repr(align(64))]
struct CacheLine<T>(T);

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn thread_finds_its_value_again() {
        let cells = PerThread::new();

        cells.get_or(|| Cell::new(1)).set(2);

        assert_eq!(cells.get_or(|| Cell::new(1)).get(), 2);
    }

    #[test]
    fn threads_do_not_see_the_values_of_others() {
        let cells = PerThread::new();
        let all_are_here = Barrier::new(4);

        thread::scope(|scope| {
            for own in 0..4 {
                let (cells, all_are_here) = (&cells, &all_are_here);
                scope.spawn(move || {
                    cells.get_or(|| Cell::new(own));
                    all_are_here.wait();
                    assert_eq!(cells.get_or(|| Cell::new(9)).get(), own);
                });
            }
        });
    }

    #[test]
    fn takes_two_words_until_it_is_used() {
        assert_eq!(size_of::<PerThread<[u64; 32]>>(), 2 * size_of::<usize>());
    }
}
