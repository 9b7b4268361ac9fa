//! What a Gateway asks of pods of its own: how many, and how big.

use std::fmt;

/// What a Gateway asks of its pods. What it does not is as the
/// [blueprint](super::Dedicated) has it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pods {
    /// How many there are to begin with.
    pub replicas: Option<u16>,
    /// Of a processor.
    pub cpu: Share<Cpu>,
    /// Of memory.
    pub memory: Share<Memory>,
}

/// How much of something a pod has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Share<T> {
    /// So much is reserved for it.
    pub request: Option<T>,
    /// It gets no more.
    pub limit: Option<T>,
}

impl<T> Default for Share<T> {
    fn default() -> Self {
        Self {
            request: None,
            limit: None,
        }
    }
}

impl<T: Copy + Ord> Share<T> {
    /// What was asked for, or these: as far as they fit beside it, since a limit below the
    /// request would be refused.
    pub(super) fn or(self, request: T, limit: Option<T>) -> (T, Option<T>) {
        let most = self.limit.map_or(request, |limit| request.min(limit));
        let request = self.request.unwrap_or(most);
        let limit = self.limit.or(limit.map(|limit| limit.max(request)));
        (request, limit)
    }
}

/// A part of a processor, or some.
///
/// It is displayed as an API server would, so that one that is there is not taken for
/// another.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cpu {
    thousandths: u32,
}

impl Cpu {
    pub(super) const fn thousandths(thousandths: u32) -> Self {
        Self { thousandths }
    }

    /// Reads `500m` or `2`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, factor) = match text.strip_suffix('m') {
            Some(number) => (number, 1),
            None => (text, 1000),
        };
        let number = number.parse::<u32>().ok();
        let thousandths = number.and_then(|number| number.checked_mul(factor));
        let thousandths = thousandths.filter(|all| (1..=MOST_CPU).contains(all));
        let thousandths = thousandths
            .ok_or_else(|| format!("{text:?} is no processor time such as 500m or 2"))?;
        Ok(Self { thousandths })
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.thousandths.is_multiple_of(1000) {
            write!(f, "{}", self.thousandths / 1000)
        } else {
            write!(f, "{}m", self.thousandths)
        }
    }
}

/// A part of memory, displayed in the same way.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Memory {
    kibibytes: u64,
}

impl Memory {
    pub(super) const fn mebibytes(mebibytes: u64) -> Self {
        Self {
            kibibytes: mebibytes * 1024,
        }
    }

    /// Reads `128Mi`, with `Ki`, `Mi`, `Gi` or `Ti`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = UNITS.iter().enumerate().find_map(|(power, unit)| {
            let number = text.strip_suffix(unit)?.parse::<u64>().ok()?;
            number.checked_mul(1024_u64.pow(u32::try_from(power).ok()?))
        });
        let kibibytes = parts.filter(|all| (1..=MOST_MEMORY).contains(all));
        let kibibytes =
            kibibytes.ok_or_else(|| format!("{text:?} is no memory such as 128Mi or 1Gi"))?;
        Ok(Self { kibibytes })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = self.kibibytes;
        let mut units = UNITS.iter();
        let mut unit = units.next().unwrap_or(&"Ki");
        while number.is_multiple_of(1024) {
            let Some(next) = units.next() else { break };
            number /= 1024;
            unit = next;
        }
        write!(f, "{number}{unit}")
    }
}

const UNITS: [&str; 4] = ["Ki", "Mi", "Gi", "Ti"];
/// As many as no machine has: beyond a thousand, an API server writes them in another way.
const MOST_CPU: u32 = 999_000;
/// 64 Ti.
const MOST_MEMORY: u64 = 64 << 30;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_written_as_an_api_server_does() {
        let cpu = |text| Cpu::parse(text).map(|one| one.to_string());
        let memory = |text| Memory::parse(text).map(|one| one.to_string());

        assert_eq!(cpu("1500m").as_deref(), Ok("1500m"));
        assert_eq!(cpu("2000m").as_deref(), Ok("2"));
        assert_eq!(memory("1024Mi").as_deref(), Ok("1Gi"));
        assert_eq!(memory("1536Mi").as_deref(), Ok("1536Mi"));
        for text in ["", "m", "0", "-1", "1.5", "1000000000000", "2 "] {
            assert!(cpu(text).is_err(), "{text}");
        }
        for text in ["", "Mi", "0Mi", "128", "128M", "1.5Gi", "99999999Ti"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(thousandths in 1..=MOST_CPU, kibibytes in 1..=MOST_MEMORY) {
            let cpu = Cpu { thousandths };
            prop_assert_eq!(Cpu::parse(&cpu.to_string()), Ok(cpu));
            let memory = Memory { kibibytes };
            prop_assert_eq!(Memory::parse(&memory.to_string()), Ok(memory));
        }

        /// An API server refuses a pod that may have less than it asks for.
        #[test]
        fn a_default_is_never_beyond_what_was_asked_for(
            request in proptest::option::of(1..100u32),
            limit in proptest::option::of(1..100u32),
            (low, high) in (1..50u32, 50..100u32),
        ) {
            prop_assume!(request.is_none() || limit.is_none() || request <= limit);
            let share = Share { request, limit };
            let (got, most) = share.or(low, Some(high));
            prop_assert!(most.is_some_and(|most| got <= most));
            prop_assert!(request.is_none_or(|asked| got == asked));
            prop_assert!(limit.is_none_or(|asked| most == Some(asked)));
        }
    }
}
