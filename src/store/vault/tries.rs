//! The retry counter of a PIN: attempts that count, and the PINs that a full counter still accepts.
//!
//! An attempt is recorded under a tag of its PIN before the slot's seal is opened, and decided
//! afterwards. A process that dies between the two leaves the tag. Attempts with equal tags are
//! guesses at the same PIN, so they count once, and a PIN whose tag is recorded is tried again.
//! Every attempt writes the record before it tells anything: an answer that differs from another
//! one's is a guess, too. `docs/storage-format.md` has the argument.
use super::{TokenId, Tries, Who};
use parking_lot::Mutex;

/// Tells two PINs of one slot apart. As costly to test as the slot's seal.
pub(super) type Tag = [u8; TAG_LEN];

/// Length of a [`Tag`] in bytes.
pub(super) const TAG_LEN: usize = 16;

/// The attempts since the last right PIN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counter {
    /// Attempts that were decided: the PIN was wrong.
    pub wrong: u32,
    /// Attempts that are under way, or whose process died: each PIN once.
    pub undecided: Vec<Tag>,
}

/// The answer to one more attempt, once the counter that comes with it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The seal may be opened.
    Allowed,
    /// The counter is full, for good.
    Locked,
}

impl Counter {
    /// Decides about one attempt with the PIN of `tag`, of which `other` are recorded elsewhere. At a full
    /// counter, a PIN that is not recorded is wrong, or one more than the limit: no tag survives it.
    pub(super) fn admit(&self, tag: &Tag, other: &Counter) -> (Admission, Counter) {
        let mut counted = self.clone();
        if self.undecided.contains(tag) || other.undecided.contains(tag) {
            return (Admission::Allowed, counted);
        }
        if self.used().saturating_add(other.used()) < Tries::LIMIT {
            counted.undecided.push(*tag);
            return (Admission::Allowed, counted);
        }
        let wrong = self.wrong.max(Tries::LIMIT);
        (Admission::Locked, Counter { wrong, undecided: Vec::new() })
    }

    /// The counter after the attempt of `tag` turned out wrong.
    pub(super) fn refuted(&self, tag: &Tag) -> Counter {
        let undecided = self.undecided.iter().filter(|other| *other != tag).copied().collect();
        Counter { wrong: self.wrong.saturating_add(1), undecided }
    }

    /// Returns `true` if no PIN at all is accepted any more.
    pub(super) fn is_final(&self, local: &Counter) -> bool {
        let undecided = !self.undecided.is_empty() || !local.undecided.is_empty();
        let wrong = self.wrong.saturating_add(local.wrong) >= Tries::LIMIT;
        local.wrong >= Tries::LIMIT || wrong && !undecided
    }

    pub(super) fn is_clear(&self) -> bool {
        *self == Counter::default()
    }

    /// The count for token information. Below the limit as long as a right PIN may be accepted.
    pub(super) fn shown(&self) -> u32 {
        match self.undecided.is_empty() {
            true => self.wrong,
            false => self.used().min(Tries::LIMIT - 1),
        }
    }

    fn used(&self) -> u32 {
        let undecided = u32::try_from(self.undecided.len()).unwrap_or(u32::MAX);
        self.wrong.saturating_add(undecided)
    }
}

/// The counters of this process, for stores that it may only read.
static LOCAL: Mutex<Vec<(TokenId, Who, Counter)>> = Mutex::new(Vec::new());

/// Works on this process's counter of a PIN.
pub(super) fn local<T>(token: TokenId, who: Who, work: impl FnOnce(&mut Counter) -> T) -> T {
    let mut all = LOCAL.lock();
    let at = all.iter().position(|(of, whose, _)| (*of, *whose) == (token, who));
    let mut counter = at.map(|at| all.swap_remove(at).2).unwrap_or_default();
    let done = work(&mut counter);
    if !counter.is_clear() {
        all.push((token, who, counter));
    }
    done
}
