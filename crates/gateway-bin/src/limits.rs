//! How many connections this process can have.

use std::fs;

/// The most clients' connections when nobody says how many: half of the file
/// descriptors, because a request may need another one to its backend, less what
/// the gateway itself needs. Nothing, where the system does not tell.
pub(crate) fn max_connections() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;

    Some(connections(open_files(&limits)?))
}

fn connections(descriptors: usize) -> usize {
    (descriptors / 2).saturating_sub(RESERVE).max(FEWEST)
}

/// The soft limit. Nothing if there is none.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;

    line.split_whitespace().next()?.parse().ok()
}

/// Listening sockets, watches, files that are being read.
const RESERVE: usize = 64;
const FEWEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limit_is_read() {
        let limits = "Limit          Soft Limit  Hard Limit  Units\n\
            Max processes  10          20          processes\n\
            Max open files            1024                 4096                 files\n";

        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files unlimited unlimited files"), None);
    }

    #[test]
    fn half_is_for_backends() {
        assert_eq!(connections(1024), 448);
        assert_eq!(connections(8), 16);
    }
}
