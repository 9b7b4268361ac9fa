//! Pipes through which the kernel moves bytes from one socket to another.

#[cfg(target_os = "linux")]
pub(super) use self::linux::Pipe;
#[cfg(not(target_os = "linux"))]
pub(super) use self::none::Pipe;

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::{Cell, RefCell};
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

    /// A pipe, and how much is in it.
    #[derive(Debug)]
    pub(in super::super) struct Pipe {
        ends: Option<Ends>,
        filled: usize,
    }

    #[derive(Debug)]
    struct Ends {
        read: OwnedFd,
        write: OwnedFd,
    }

    impl Pipe {
        /// One of this thread's store, or a new one; `None` if there are too many
        /// already or the system gives none.
        pub(in super::super) fn take() -> Option<Self> {
            let ends = match STORE.with_borrow_mut(Vec::pop) {
                Some(ends) => ends,
                None => open()?,
            };
            Some(Self {
                ends: Some(ends),
                filled: 0,
            })
        }

        /// Moves bytes from `socket` into the pipe, which is empty.
        pub(in super::super) fn fill(&mut self, socket: impl AsFd) -> io::Result<usize> {
            let ends = self.ends.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
            self.filled = splice(socket, None, &ends.write, None, SIZE, FLAGS)?;
            Ok(self.filled)
        }

        /// Moves bytes from the pipe to `socket`.
        pub(in super::super) fn empty(&mut self, socket: impl AsFd) -> io::Result<usize> {
            let ends = self.ends.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
            let moved = splice(&ends.read, None, socket, None, self.filled, FLAGS)?;
            self.filled -= moved;
            Ok(moved)
        }

        /// How much is in it.
        pub(in super::super) fn filled(&self) -> usize {
            self.filled
        }
    }

    impl Drop for Pipe {
        fn drop(&mut self) {
            let Some(ends) = self.ends.take() else {
                return;
            };
            // What is left in a pipe is for nobody else.
            let is_kept = self.filled == 0
                && STORE.try_with(|store| {
                    store.try_borrow_mut().is_ok_and(|mut store| {
                        let has_room = store.len() < STORED;
                        if has_room {
                            store.push(ends);
                        }
                        has_room
                    })
                }) == Ok(true);
            if !is_kept {
                let _ = OPEN.try_with(|open| open.set(open.get().saturating_sub(1)));
            }
        }
    }

    fn open() -> Option<Ends> {
        if OPEN.get() >= MOST {
            return None;
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // A user has so much memory for pipes; a smaller one will do, too.
        let _ = fcntl_setpipe_size(&write, SIZE);
        OPEN.set(OPEN.get() + 1);
        Some(Ends { read, write })
    }

    thread_local! {
        static STORE: RefCell<Vec<Ends>> = const { RefCell::new(Vec::new()) };
        static OPEN: Cell<usize> = const { Cell::new(0) };
    }

    const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

    /// What a pipe is asked to hold.
    const SIZE: usize = 256 * 1024;

    /// How many a thread keeps: most are needed only while bytes are on their way.
    const STORED: usize = 16;

    /// How many a thread has. More connections than this that wait for whoever reads
    /// are copied.
    const MOST: usize = 256;
}

#[cfg(not(target_os = "linux"))]
mod none {
    use std::io;

    /// There is no such thing here.
    #[derive(Debug)]
    pub(in super::super) enum Pipe {}

    impl Pipe {
        pub(in super::super) fn take() -> Option<Self> {
            None
        }

        pub(in super::super) fn fill<S>(&mut self, _: S) -> io::Result<usize> {
            match *self {}
        }

        pub(in super::super) fn empty<S>(&mut self, _: S) -> io::Result<usize> {
            match *self {}
        }

        pub(in super::super) fn filled(&self) -> usize {
            match *self {}
        }
    }
}
