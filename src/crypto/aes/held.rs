//! Parts of any length into whole blocks.
use crate::crypto::Secret;

/// What waits until a block is full, or for the end.
#[derive(Debug)]
pub struct Held {
    rest: Secret,
    block: usize,
    keep: usize,
}

impl Held {
    /// For blocks of `block` bytes. Whatever comes, its last `keep` bytes wait for the end.
    pub fn new(block: usize, keep: usize) -> Held {
        // room for all that can wait: a Vec that grows would leave what it held behind
        Held { rest: Secret::new(Vec::with_capacity(2 * (block + keep))), block, keep }
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes would go on if `len` more came.
    pub fn ready(&self, len: usize) -> usize {
        let free = self.rest.len().saturating_add(len).saturating_sub(self.keep);
        free - free % self.block
    }

    /// Takes a part; whole blocks go on to `run`.
    pub fn feed<Error>(
        &mut self,
        part: &[u8],
        mut run: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let ready = self.ready(part.len());
        if ready < self.rest.len() {
            let (now, _) = self.rest.split_at(ready);
            if !now.is_empty() {
                run(now)?;
            }
            self.rest.drain(..ready);
            self.rest.extend_from_slice(part);
            return Ok(());
        }
        let fill = self.rest.len().next_multiple_of(self.block) - self.rest.len();
        let bulk = ready - self.rest.len();
        let (now, later) = part.split_at(bulk.min(part.len()));
        let (fill, now) = now.split_at(fill.min(now.len()));
        if !self.rest.is_empty() {
            self.rest.extend_from_slice(fill);
            run(&self.rest)?;
        }
        if !now.is_empty() {
            run(now)?;
        }
        self.rest.clear();
        self.rest.extend_from_slice(later);
        Ok(())
    }

    /// What waited, at the end.
    pub fn take(&mut self) -> Secret {
        std::mem::take(&mut self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_goes_on_in_order_and_what_is_kept_waits() {
        let data: Vec<u8> = (0..100).collect();
        for keep in [0, 1, 16, 17] {
            for a in 0..70 {
                for b in 0..=data.len() - a {
                    let mut held = Held::new(16, keep);
                    let mut out = Vec::new();
                    for part in [&data[..a], &data[a..a + b], &data[a + b..]] {
                        let (before, ready) = (out.len(), held.ready(part.len()));
                        let mut run = |blocks: &[u8]| {
                            assert!(!blocks.is_empty() && blocks.len().is_multiple_of(16));
                            out.extend_from_slice(blocks);
                            Ok::<(), ()>(())
                        };
                        held.feed(part, &mut run).unwrap();
                        assert_eq!(out.len() - before, ready);
                    }
                    assert!((keep..keep + 16).contains(&held.len()), "{keep} {a} {b}");
                    out.extend_from_slice(&held.take());
                    assert_eq!(out, data, "{keep} {a} {b}");
                }
            }
        }
    }
}
