//! Where chance comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Debug, Default)]
pub(super) enum Random {
    /// The thread's own generator.
    #[default]
    Thread,
    /// The same numbers in each run, shared by all clones.
    Seeded(Arc<AtomicU64>),
}

impl Random {
    pub(super) fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(AtomicU64::new(seed)))
    }

    pub(super) fn draw(&self) -> u32 {
        match self {
            Self::Thread => fastrand::u32(..),
            // SplitMix64: a counter, of which each step is mixed by itself.
            Self::Seeded(counter) => {
                let mut mixed = counter
                    .fetch_add(STEP, Ordering::Relaxed)
                    .wrapping_add(STEP);
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((mixed ^ (mixed >> 31)) >> 32) as u32
            }
        }
    }
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
