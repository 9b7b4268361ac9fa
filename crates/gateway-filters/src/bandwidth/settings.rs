//! How many bytes.

use super::error::InvalidBandwidth;

/// How many bytes may pass in a second, and how many at once.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Bandwidth {
    pub(super) rate: u64,
    pub(super) burst: u64,
}

impl Bandwidth {
    /// Lets `bytes_per_second` pass.
    ///
    /// # Errors
    ///
    /// If it is zero.
    pub fn new(bytes_per_second: u64) -> Result<Self, InvalidBandwidth> {
        match bytes_per_second {
            0 => Err(InvalidBandwidth::Zero),
            rate => Ok(Self { rate, burst: rate }),
        }
    }

    /// Lets so many bytes pass at once after a pause. The default is those of a second.
    ///
    /// # Errors
    ///
    /// If it is zero.
    pub fn with_burst(mut self, bytes: u64) -> Result<Self, InvalidBandwidth> {
        match bytes {
            0 => Err(InvalidBandwidth::ZeroBurst),
            burst => {
                self.burst = burst;
                Ok(self)
            }
        }
    }

    /// How many bytes may pass in a second.
    #[must_use]
    pub fn bytes_per_second(&self) -> u64 {
        self.rate
    }

    /// How many bytes may pass at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.burst
    }
}
