//! bcrypt, which takes as long as its cost says.

use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use subtle::{Choice, ConstantTimeEq};

use super::error::InvalidHash;

/// What stands for a password in `$2y$…`, taken apart.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(super) struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl Bcrypt {
    /// Reads `$2a$`, `$2b$` and `$2y$`, which have meant the same for as long as they are all
    /// written right; `$2x$` marks those that were not.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidHash> {
        let rest = ["$2a$", "$2b$", "$2y$"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
        let (cost, encoded) = rest
            .and_then(|rest| rest.split_once('$'))
            .ok_or(InvalidHash::Unknown)?;
        let (salt, digest) = encoded
            .split_at_checked(SALT_TEXT)
            .ok_or(InvalidHash::Unknown)?;
        if cost.len() != 2 || !cost.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(InvalidHash::Unknown);
        }
        let cost = cost.parse().map_err(|_| InvalidHash::Unknown)?;
        let (salt, digest) = (decode(salt)?, decode(digest)?);
        if !COSTS.contains(&cost) {
            return Err(InvalidHash::Cost { cost });
        }
        Ok(Self { cost, salt, digest })
    }

    pub(super) const fn cost(&self) -> u32 {
        self.cost
    }

    fn is(&self, password: &[u8]) -> Choice {
        let computed = compute(self.cost, self.salt, password);
        computed[..self.digest.len()].ct_eq(&self.digest)
    }
}

/// Whether `password` is the one that `hash` stands for; never without one. A refusal costs what
/// `highest` says, whatever is asked for: its time does not tell which users there are.
pub(super) fn is_right(hash: Option<&Bcrypt>, highest: u32, password: &[u8]) -> bool {
    if hash.is_some_and(|hash| hash.is(password).into()) {
        return true;
    }
    for cost in to_make_up(hash.map(Bcrypt::cost), highest) {
        std::hint::black_box(compute(cost, [0; 16], password));
    }
    false
}

/// Costs that, after one of `done`, take as long together as one of `highest`: each is twice as
/// much as the one before.
fn to_make_up(done: Option<u32>, highest: u32) -> Range<u32> {
    done.unwrap_or(highest)..highest + u32::from(done.is_none())
}

/// Of a longer password only the beginning counts, as for everybody who uses bcrypt.
fn compute(cost: u32, salt: [u8; 16], password: &[u8]) -> [u8; 24] {
    const LONGEST: usize = 72;

    let mut ended = [0; LONGEST];
    let length = password.len().min(LONGEST);
    ended[..length].copy_from_slice(&password[..length]);
    // With the zero byte at its end, where there is room.
    bcrypt::bcrypt(cost, salt, &ended[..(length + 1).min(LONGEST)])
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], InvalidHash> {
    const DIGITS: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

    let bytes = DIGITS.decode(text).map_err(|_| InvalidHash::Unknown)?;
    bytes.try_into().map_err(|_| InvalidHash::Unknown)
}

/// Digits of a salt of 16 bytes.
const SALT_TEXT: usize = 22;
/// From the least that there is to some hundred milliseconds for each password.
const COSTS: std::ops::RangeInclusive<u32> = 4..=12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_of_others_are_read() {
        let long: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\
            chars after 72 are ignored";
        let table: [(&str, &[u8]); 4] = [
            (
                "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
                b"",
            ),
            (
                "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
                b"a",
            ),
            (
                "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
                b"\xff\xff\xa3",
            ),
            (
                "$2y$04$7/YqlW2Z.Mv.L6u8rFwkWuG0n0Jnb9wmB8y2SsEy9kPyi4RzMxKhK",
                long,
            ),
        ];
        for (text, password) in table {
            let hash = Bcrypt::parse(text).ok();
            assert!(is_right(hash.as_ref(), 6, password), "{text}");
            assert!(!is_right(hash.as_ref(), 6, b"other"), "{text}");
        }
    }

    #[test]
    fn nobody_has_a_password_without_a_hash() {
        assert!(!is_right(None, 4, b""));
    }

    #[test]
    fn what_is_no_hash_or_costs_too_much_is_refused() {
        let good = "$2y$05$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
        assert!(Bcrypt::parse(good).is_ok());
        for (from, to) in [
            ("$2y$", "$2x$"),
            ("$2y$", "$2$"),
            ("$05$", "$5$"),
            ("$05$", "$$"),
            ("$05$", "$+5$"),
            ("X1s.", "X1s"),
            ("X1s.", "X1s.."),
            ("DCq7", "DCq="),
        ] {
            let bad = good.replace(from, to);
            assert!(Bcrypt::parse(&bad).is_err(), "{bad}");
        }
        for cost in [0, 3, 13, 31, 99] {
            let bad = good.replace("$05$", &format!("${cost:02}$"));
            let refused = Bcrypt::parse(&bad).err();
            assert_eq!(refused, Some(InvalidHash::Cost { cost }));
        }
    }

    proptest! {
        /// The work of a refusal does not depend on whom it is for.
        #[test]
        fn refusals_cost_the_same(done in prop::option::of(4..=12_u32), more in 0..9_u32) {
            let highest = done.unwrap_or(4) + more;
            let work = |cost: u32| 1_u64 << cost;

            let made_up: u64 = to_make_up(done, highest).map(work).sum();

            prop_assert_eq!(done.map_or(0, work) + made_up, work(highest));
        }

        #[test]
        fn any_text_can_be_written(text in "\\$2[aby]\\$[0-9]{1,3}\\$.{0,60}|.{0,70}") {
            // Nothing panics.
            let _ = Bcrypt::parse(&text);
        }
    }
}
